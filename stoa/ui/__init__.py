"""The dashboard: pages of Streamlit over `commands/` and `show/`; nothing else imports this package."""
