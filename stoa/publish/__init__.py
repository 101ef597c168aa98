"""What leaves a project for a paper: texts, provenance and a research object, written from records alone."""
