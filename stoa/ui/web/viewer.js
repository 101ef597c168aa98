// The page of the image viewer. The dashboard says what to show by messages; what happens here goes back the same way.
"use strict";

const at = (id) => document.getElementById(id);
const ours = location.origin;
const tell = (message) => parent.postMessage(message, ours);
const send = (event) => tell({ event });
const PASSED_ON = "jkJKnNuUhH?0123456789";    // keys of the dashboard; C and R are Streamlit's own
const MOST_MARKS = 1000;                       // more of them make every zoom slow
const STRETCHES = ["asinh", "linear", "log", "sqrt", "power", "histeq", "squared", "sinh"];
const COLOURS = ["inferno", "viridis", "grey", "heat", "cool", "magma", "plasma", "red"];
const CLIPS = { MINMAX: "dataminmax", ZSCALE: "zscale" };

let now = { key: "", view: { images: [], sources: [] } };
let busy = Promise.resolve();
let shown = 0;
let difference = null;
let beside = false;                            // two images side by side, rather than over one another

// Showing.

const images = () => now.images ?? [];
const first = () => images()[0];
const current = () => difference ?? images()[shown];
const display = (im) => ({ display: im });

async function fetched(url) {
  const answer = await fetch(url, { credentials: "same-origin" });
  if (!answer.ok) throw new Error(await answer.text());
  return answer.blob();
}

async function load(image, channel, place = "JS9") {
  const blob = await fetched(image.url + (channel ? `?channel=${channel}` : ""));
  return new Promise((done, fail) => {
    const slow = setTimeout(() => fail(new Error(`${image.name} cannot be drawn`)), 60000);
    JS9.Load(blob, { id: image.name, filename: `${image.name}.fits`, scaleclipping: CLIPS.ZSCALE,
      onload: (im) => { clearTimeout(slow); done(im); } }, { display: place });
  });
}

function closeAll() {
  for (const im of [...JS9.images]) JS9.CloseImage(display(im));
  difference = null;
  at("minus").setAttribute("aria-pressed", "false");
}

function match() {                             // one zoom, pan and stretch for all
  const [one, ...others] = images();
  for (const im of others) JS9.SyncImages(["zoom", "pan", "scale", "colormap", "contrastbias", "wcs"], [im], { display: one, reciprocate: true });
}

const placeOf = (number) => (beside && number === 1 ? "JS9b" : "JS9");

async function show(view) {
  document.body.classList.toggle("dark", !!view.dark);
  if (view.images.length !== 2) beside = false;
  const key = JSON.stringify([view.images, beside]);
  const marks = JSON.stringify([view.sources, view.beam]);
  if (key !== now.key) {
    const begun = performance.now();
    closeAll();
    now = { key, view, images: [] };
    arrange();
    for (const [number, image] of view.images.entries()) now.images.push(await load(image, undefined, placeOf(number)));
    if (now.images.length > 1) match();
    if (beside) arrange();                     // a display that had no image yet kept its size
    shown = 0;
    if (first()) {
      if (!beside) JS9.DisplayImage(display(first()));
      JS9.SetZoom("toFit", display(first()));
      setLook();
    }
    drawMarks();
    furnish();
    document.body.dataset.shown = view.images.map((image) => image.name).join();
    send({ kind: "shown", images: view.images.map((image) => image.name), ms: Math.round(performance.now() - begun) });
    ahead(view.next ?? []);
  } else if (marks !== now.marks) {
    now.view = view;
    drawMarks();
  }
  now.marks = marks;
}

function ahead(urls) {                         // into the browser's cache, so that J finds them there
  for (const url of urls) fetch(url, { credentials: "same-origin", priority: "low" }).catch(() => {});
}

function setLook() {                           // the same limits for all images, so that a blink compares brightness
  const limits = limitsOf(difference ?? first());
  for (const im of difference ? [difference] : images()) {
    JS9.SetScale(at("stretch").value, ...limits, display(im));
    JS9.SetColormap(at("colours").value, display(im));
  }
}

function limitsOf(im) {                        // from just below the noise to the brightest pixels, told from a sample
  const data = im.raw.data, step = Math.max(1, Math.floor(data.length / 20000));
  const sample = [];
  for (let i = 0; i < data.length; i += step) if (Number.isFinite(data[i])) sample.push(data[i]);
  if (!sample.length) return [0, 1];
  sample.sort((a, b) => a - b);
  const quantile = (q) => sample[Math.min(sample.length - 1, Math.floor(q * sample.length))];
  const middle = quantile(0.5), noise = (quantile(0.84) - quantile(0.16)) / 2 || Math.abs(middle) || 1;
  const low = middle - (difference ? 5 : 2.5) * noise;
  return [low, Math.max(quantile(0.9995), middle + (difference ? 5 : 12) * noise)];
}

function furnish() {
  const header = first()?.raw?.header ?? {};
  const channels = +header.STOANCH || 1;
  at("channels").hidden = channels < 2;
  at("channel").max = channels;
  at("channel").value = +header.STOACHAN || 1;
  at("number").textContent = `${header.STOACHAN || 1} of ${channels}`;
  at("blink").hidden = at("minus").hidden = at("beside").hidden = images().length < 2;
  at("beside").setAttribute("aria-pressed", String(beside));
  title();
}

function title() {
  const im = current();
  if (!im) { at("name").textContent = ""; return; }
  const bin = +im.raw.header.STOABIN || 1;
  const which = difference ? "second minus first" : beside ? images().map((each) => each.id).join("  |  ") : im.id;
  at("name").textContent = which + (bin > 1 ? `  (averaged ${bin} × ${bin})` : "");
  at("name").title = at("name").textContent;
}

// Marks: sources and the beam.

const pixel = (im) => {                        // arcseconds of a pixel along the second axis
  const h = im.raw.header;
  return 3600 * Math.hypot((h.PC2_2 ?? 1) * (h.CDELT2 ?? 0), (h.PC1_2 ?? 0) * (h.CDELT1 ?? 0));
};

function drawMarks() {
  const on = at("marks").getAttribute("aria-pressed") === "true";
  const sources = now.view.sources ?? [];
  at("marks").textContent = sources.length ? `Sources ${Math.min(sources.length, MOST_MARKS)}` : "Sources";
  for (const im of images()) {
    layers(im);
    for (const layer of ["sources", "beam"]) JS9.RemoveShapes(layer, "all", display(im));
    if (!on) continue;
    const circles = sources.slice(0, MOST_MARKS).map((s) => {
      const p = JS9.WCSToPix(s.ra, s.dec, display(im));
      return p && p.x > 0 && p.y > 0 && p.x <= im.raw.width && p.y <= im.raw.height && { shape: "circle", x: p.x, y: p.y, radius: Math.max(4, im.raw.width / 60), color: s.colour ?? "cyan", data: { id: s.id } };
    }).filter(Boolean);
    if (circles.length) JS9.AddShapes("sources", circles, display(im));
    drawBeam(im);
  }
}

function layers(im) {                          // a layer belongs to a display that has an image
  if (im.layers?.beam) return;
  JS9.NewShapeLayer("sources", { ...JS9.Catalogs.opts, tooltip: "$im.data.id",
    onmouseup: (_im, s) => s?.data?.id && send({ kind: "source", id: s.data.id }) }, display(im));
  JS9.NewShapeLayer("beam", { ...JS9.Catalogs.opts, evented: false }, display(im));
}

function drawBeam(im) {
  const { BMAJ, BMIN, BPA } = im.raw.header;
  const side = pixel(im);
  if (!(BMAJ > 0) || !(side > 0)) return;
  const long = (BMAJ * 3600) / side / 2, short = ((BMIN || BMAJ) * 3600) / side / 2;
  const edge = im.raw.width * 0.04 + long;
  JS9.AddShapes("beam", [{ shape: "ellipse", x: edge, y: edge, r1: long, r2: short, angle: (+BPA || 0) + 90, color: "white" }], display(im));
}

// Reading: the pixel below the pointer, and what is in a circle.

const digits = (v) => {
  if (!Number.isFinite(v)) return "blank";
  return v !== 0 && (Math.abs(v) < 1e-3 || Math.abs(v) >= 1e5) ? v.toExponential(3) : v.toPrecision(4);
};
const unit = (im) => im.raw.header.BUNIT ?? "";

function sexagesimal(deg, hours) {
  const sign = deg < 0 ? "-" : hours ? "" : "+";
  const all = Math.abs(hours ? deg / 15 : deg) * 3600, places = hours ? 3 : 2;
  const rounded = Math.round(all * 10 ** places) / 10 ** places;
  const s = (rounded % 60).toFixed(places).padStart(3 + places, "0");
  return `${sign}${String(Math.floor(rounded / 3600)).padStart(2, "0")}:${String(Math.floor(rounded / 60) % 60).padStart(2, "0")}:${s}`;
}

function valueAt(im, p) {                      // pixels count from 1, their centres are whole numbers
  const x = Math.round(p.x), y = Math.round(p.y);
  if (x < 1 || y < 1 || x > im.raw.width || y > im.raw.height) return null;
  return { x, y, value: im.raw.data[(y - 1) * im.raw.width + x - 1] };
}

function under(im, p) {
  const here = valueAt(im, p);
  if (!here) { at("under").textContent = ""; return; }
  const w = JS9.PixToWCS(p.x, p.y, display(im));
  const where = w ? `${sexagesimal(w.ra, true)} ${sexagesimal(w.dec, false)}   ` : "";
  at("under").textContent = `${where}pixel ${here.x} ${here.y}   ${digits(here.value)} ${unit(im)}`;
}

function measured(im, region) {
  const { x, y, radius } = region, values = [];
  for (let j = Math.max(1, Math.floor(y - radius)); j <= Math.min(im.raw.height, y + radius + 1); j++)
    for (let i = Math.max(1, Math.floor(x - radius)); i <= Math.min(im.raw.width, x + radius + 1); i++) {
      const v = im.raw.data[(j - 1) * im.raw.width + i - 1];
      if (Math.hypot(i - x, j - y) <= radius && Number.isFinite(v)) values.push(v);
    }
  if (!values.length) return null;
  const sum = values.reduce((a, b) => a + b, 0), mean = sum / values.length;
  const rms = Math.sqrt(values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length);
  const largest = values.reduce((a, b) => Math.max(a, b)), least = values.reduce((a, b) => Math.min(a, b));
  const h = im.raw.header, side = pixel(im), beam = (Math.PI * h.BMAJ * h.BMIN * 3600 * 3600) / (4 * Math.LN2 * side * side);
  const flux = /^jy\/beam$/i.test(String(unit(im)).trim()) && beam > 0 ? sum / beam : null;
  return { n: values.length, mean, rms, max: largest, min: least, flux_jy: flux };
}

function measure(im, region) {
  const m = region.shape === "circle" && measured(im, region);
  if (!m) return null;
  at("said").textContent = `${m.n} pixels: mean ${digits(m.mean)}, rms ${digits(m.rms)}, ${digits(m.min)} to ${digits(m.max)} ${unit(im)}` +
    (m.flux_jy === null ? "" : `, flux ${digits(m.flux_jy)} Jy`);
  return m;
}

// No arrow functions where JS9 makes instances; without winDims it makes none and no event arrives.
JS9.RegisterPlugin("STOA", "Events", function () {}, {
  winDims: [0, 0],
  onmousemove: (im, p) => under(im, p),
  onclick: (im, p) => {
    const w = JS9.PixToWCS(p.x, p.y, display(im)), here = valueAt(im, p);
    if (here) send({ kind: "click", image: im.id, x: here.x, y: here.y, value: here.value, ra: w?.ra, dec: w?.dec });
  },
  onregionschange: (im, region) => {
    if (region.mode === "remove") { at("said").textContent = ""; return; }
    const found = measure(im, region);
    clearTimeout(measure.later);               // one event when the mouse comes to rest, not one for each step
    measure.later = setTimeout(() => found && send({ kind: "region", image: im.id, region: region.wcsstr, ...found }), 400);
  },
});

// Tools.

async function setBeside(on) {
  if (now.view.images.length !== 2 || on === beside) return;
  beside = on;
  await show(now.view);
}

async function blink(step) {
  if (images().length < 2) return;
  await setBeside(false);
  if (difference) await subtract();
  shown = (shown + step + images().length) % images().length;
  JS9.DisplayImage(display(images()[shown]));
  title();
}

async function subtract() {                    // values of both as they are, where they have the same pixels
  await setBeside(false);
  const [a, b] = images();
  if (!b) return;
  if (difference) {
    JS9.CloseImage(display(difference));
    difference = null;
    JS9.DisplayImage(display(images()[shown]));
  } else if (a.raw.width !== b.raw.width || a.raw.height !== b.raw.height) {
    at("said").textContent = "the images have different pixels: no difference";
    return;
  } else {
    const data = new Float32Array(a.raw.data.length).map((_, i) => b.raw.data[i] - a.raw.data[i]);
    JS9.Load({ data, naxis: 2, axis: { 1: a.raw.width, 2: a.raw.height }, bitpix: -32, head: { ...a.raw.header } },
      { id: "difference", filename: "difference.fits" });
    difference = JS9.images[JS9.images.length - 1];
    setLook();
  }
  at("minus").setAttribute("aria-pressed", String(!!difference));
  title();
}

const fit = () => current() && JS9.SetZoom("toFit", display(current()));
const toggleMarks = () => { at("marks").setAttribute("aria-pressed", String(at("marks").getAttribute("aria-pressed") !== "true")); drawMarks(); };

async function toChannel(number) {             // of every cube, so that the same channels are compared
  at("number").textContent = `${number} of ${at("channel").max}`;
  const zoom = JS9.GetZoom(display(first())), pan = JS9.GetPan(display(first()));
  for (const [place, old] of images().entries()) {
    if (!(+old.raw.header.STOANCH >= number)) continue;
    now.images[place] = await load(now.view.images[place], number, placeOf(place));
    if (old !== now.images[place]) JS9.CloseImage(display(old));
  }
  if (images().length > 1) match();
  if (!beside) JS9.DisplayImage(display(images()[shown]));
  JS9.SetZoom(zoom, display(first()));
  JS9.SetPan(pan.x, pan.y, display(first()));
  setLook();
  drawMarks();
  title();
}

function choices(box, names, chosen) {
  for (const name of names) box.append(new Option(name, name, name === chosen, name === chosen));
  box.addEventListener("change", () => { try { localStorage.setItem(`stoa ${box.id}`, box.value); } catch { /* not kept */ } setLook(); });
  try { const kept = localStorage.getItem(`stoa ${box.id}`); if (names.includes(kept)) box.value = kept; } catch { /* not kept */ }
}

choices(at("stretch"), STRETCHES, "asinh");
choices(at("colours"), COLOURS, "inferno");
at("fit").addEventListener("click", fit);
at("marks").addEventListener("click", toggleMarks);
at("blink").addEventListener("click", () => act("b"));
at("beside").addEventListener("click", () => act("v"));
at("minus").addEventListener("click", () => act("d"));
at("region").addEventListener("click", () => current() && JS9.AddRegions({ shape: "circle", radius: current().raw.width / 20 }, display(current())));
at("channel").addEventListener("input", () => {
  const number = +at("channel").value;
  at("number").textContent = `${number} of ${at("channel").max}`;
  queue(() => (number === +at("channel").value ? toChannel(number) : undefined));
});

const KEYS = { b: () => blink(1), B: () => blink(-1), f: fit, s: toggleMarks, d: subtract, v: () => setBeside(!beside) };
const press = (e) => {
  if (e.ctrlKey || e.metaKey || e.altKey) return;
  if (KEYS[e.key]) { act(e.key); e.stopImmediatePropagation(); }
  else if (PASSED_ON.includes(e.key)) tell({ key: { key: e.key, code: e.code, shiftKey: e.shiftKey } });
};
addEventListener("keydown", press, true);

// Messages and sizes.

const problem = (error) => { at("said").textContent = String(error.message ?? error); send({ kind: "error", text: String(error.message ?? error) }); };
const queue = (work) => { busy = busy.then(work).catch(problem); };
const act = (key) => queue(() => KEYS[key]());  // after the images that are still on their way

addEventListener("message", (e) => {
  if (e.source !== parent || e.origin !== ours) return;
  if (e.data.view) { now.wanted = e.data.view; queue(() => show(now.wanted ?? e.data.view)); }
  if (e.data.key && KEYS[e.data.key]) act(e.data.key);
});

function size() {
  const { width, height } = at("place").getBoundingClientRect();
  return [Math.max(200, Math.floor(beside ? (width - 4) / 2 : width)), Math.max(150, Math.floor(height))];
}
function arrange() {                           // room for one image, or for two
  const [width, height] = size();
  at("JS9b").toggleAttribute("hidden", !beside);
  for (const place of beside ? ["JS9", "JS9b"] : ["JS9"]) JS9.ResizeDisplay(place, width, height);
}
for (const place of ["JS9", "JS9b"]) [at(place).dataset.width, at(place).dataset.height] = size();
let resized;
addEventListener("resize", () => {
  clearTimeout(resized);
  resized = setTimeout(() => queue(() => { arrange(); fit(); }), 150);
});
$(document).on("JS9:ready", () => { tell({ ready: true }); early.end().forEach(press); });
