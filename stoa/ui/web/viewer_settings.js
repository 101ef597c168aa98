// Before JS9 is loaded: it looks for no server of its own, takes no settings from elsewhere, and starts as we like it.
var JS9Prefs = {
  globalOpts: {
    helperType: "none", loadProxy: false, updatePrefs: false, requireHelper: false, resize: true, resizeHandle: false,
    mouseActions: ["display value/position", "pan the image", "pan the image"], touchActions: [],
    dynamicSelect: "click", alerts: false, valposWidth: 0, magnifierRegions: false,
  },
  imageOpts: {
    colormap: "inferno", scale: "asinh", scaleclipping: "zscale", nancolor: "#707070", wcssys: "ICRS",
    wcsunits: "sexagesimal", zoom: "toFit", valpos: false, contrast: 1, bias: 0.5,
  },
};

// JS9 takes the focus when it starts, from whoever is writing in the dashboard: only who is here already gets it.
{
  const focus = HTMLElement.prototype.focus;
  HTMLElement.prototype.focus = function (...how) { if (document.hasFocus()) focus.apply(this, how); };
}

// Keys that are pressed while the libraries load wait for viewer.js.
var early = [];
{
  const wait = (e) => early.push(e);
  addEventListener("keydown", wait, true);
  early.end = () => { removeEventListener("keydown", wait, true); return early.splice(0); };
}
