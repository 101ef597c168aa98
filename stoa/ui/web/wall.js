// A wall of thumbnails. A click opens a job, Ctrl- or Shift-click (or the box) selects; both are told by name.
const SHOWN_AT_ONCE = 1200;

export default function ({ data, parentElement, setStateValue }) {
  let wall = parentElement.querySelector(".stoa-wall");
  if (!wall) {
    wall = document.createElement("div");
    wall.className = "stoa-wall";
    wall.setAttribute("role", "listbox");
    wall.setAttribute("aria-multiselectable", "true");
    wall.chosen = new Set();
    parentElement.appendChild(wall);
  }
  const tell = () => {
    setStateValue("chosen", [...wall.chosen]);
    for (const tile of wall.children) mark(tile);
  };
  const mark = (tile) => tile.setAttribute("aria-selected", String(wall.chosen.has(tile.dataset.name)));
  wall.onclick = (e) => {
    const tile = e.target.closest("button");
    if (!tile) return;
    const name = tile.dataset.name, names = [...wall.children].map((each) => each.dataset.name);
    if (e.shiftKey && wall.last) {
      const [from, to] = [names.indexOf(wall.last), names.indexOf(name)].sort((a, b) => a - b);
      for (const each of names.slice(Math.max(0, from), to + 1)) wall.chosen.add(each);
    } else if (e.ctrlKey || e.metaKey || e.target.closest("i")) {
      if (!wall.chosen.delete(name)) wall.chosen.add(name);
    } else {
      setStateValue("opened", { name, seq: (wall.seq = Math.max(Date.now(), (wall.seq ?? 0) + 1)) });
      return;
    }
    wall.last = name;
    tell();
  };
  if (wall.dataset.key !== data.key) {            // other jobs or another order: what has gone is selected no more
    wall.dataset.key = data.key;
    const names = new Set(data.tiles.map((tile) => tile[0]));
    const before = wall.chosen.size;
    wall.chosen = new Set([...wall.chosen].filter((name) => names.has(name)));
    wall.replaceChildren(...data.tiles.slice(0, SHOWN_AT_ONCE).map(make));
    for (const tile of wall.children) mark(tile);
    if (wall.chosen.size !== before) tell();
  }
}

function make([name, source, badge, kind, words, title]) {
  const tile = document.createElement("button");
  tile.type = "button";
  tile.dataset.name = name;
  tile.title = title;
  tile.setAttribute("role", "option");
  const picture = document.createElement(source ? "img" : "span");
  picture.className = "picture";
  if (source) Object.assign(picture, { loading: "lazy", decoding: "async", alt: "", src: source, width: 112, height: 112 });
  else picture.textContent = "no image";
  picture.onerror = () => {                     // the file is not where its root is, or cannot be read
    const words = document.createElement("span");
    words.className = "picture";
    words.textContent = "not here";
    picture.replaceWith(words);
  };
  const box = document.createElement("i");
  box.setAttribute("aria-hidden", "true");
  const said = document.createElement("b");
  said.className = kind;
  said.textContent = badge;
  const below = document.createElement("small");
  below.textContent = words;
  tile.append(picture, box, said, below);
  return tile;
}
