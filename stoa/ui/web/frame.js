// In Streamlit's page: one frame that lives as long as the page does; messages go in, events come out as state.
export default function ({ data, parentElement, setStateValue }) {
  let frame = parentElement.querySelector("iframe");
  if (!frame) {
    frame = document.createElement("iframe");
    frame.style.cssText = "width:100%;border:0;display:block";
    frame.title = data.title;
    frame.src = data.src;
    frame.events = [];
    frame.waiting = [];                        // keys that were pressed before the viewer was there
    frame.seq = Date.now();                    // a new tab does not begin where an old one was
    frame.on = (e) => frame.hear(e);           // one function for good: adding it twice is adding it once
    parentElement.appendChild(frame);
  }
  frame.style.height = `${data.height}px`;
  const tell = (message) => frame.contentWindow?.postMessage(message, location.origin);
  frame.hear = ({ source, origin, data: message }) => {
    if (source !== frame.contentWindow || origin !== location.origin) return;
    if (message.ready) {
      frame.ready = true;
      tell({ view: data.view });
      for (const key of frame.waiting.splice(0)) tell({ key });
    }
    if (message.event) {
      frame.events = [...frame.events, { seq: ++frame.seq, ...message.event }].slice(-20);
      if (data.wanted.includes(message.event.kind)) setStateValue("inbox", frame.events);
    }
    if (message.key) document.dispatchEvent(new KeyboardEvent("keydown", { ...message.key, bubbles: true }));
  };
  frame.keys = (e) => {                        // keys of the viewer, where the focus is on Streamlit's page
    const writes = e.target.closest?.("input, textarea, select, [contenteditable=true]");
    if (!writes && !e.ctrlKey && !e.metaKey && !e.altKey && "bBdsfv".includes(e.key) && e.isTrusted) {
      if (frame.ready) tell({ key: e.key });
      else frame.waiting.push(e.key);
    }
  };
  frame.onkey ??= (e) => frame.isConnected && frame.keys(e);
  if (frame.ready) tell({ view: data.view });
  window.addEventListener("message", frame.on);
  document.addEventListener("keydown", frame.onkey);
  return () => {
    window.removeEventListener("message", frame.on);
    document.removeEventListener("keydown", frame.onkey);
  };
}
