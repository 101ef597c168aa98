// In Streamlit's page: "?" opens the help, and tables go to TOPCAT by the SAMP hub on the desk of who looks at the page.
const MEANING = { "samp.name": "STOA", "samp.description.text": "tables of a STOA project" };

function library(address) { // sampjs ends on `module.exports`, and is made for a page of its own
  window.module ??= {};
  return new Promise((done, fail) => {
    const script = document.createElement("script");
    script.src = `${address}/samp.js`;
    script.onload = () => done(window.samp);
    script.onerror = () => fail(new Error("this build has no sampjs"));
    document.head.appendChild(script);
  });
}

function leave(samp, connection) { // an XMLHttpRequest would die with the page, and TOPCAT would keep a ghost
  const farewell = new samp.XmlRpcRequest("samp.webhub.unregister");
  farewell.addParam(connection.privateKey);
  const headers = { "Content-Type": "text/xml" };
  fetch(connection.xClient.endpoint, { method: "POST", keepalive: true, headers, body: farewell.toXml() });
}

async function connected(desk, say) {
  desk.samp ??= await library(desk.address);
  if (desk.connection) return desk.connection;
  say("Asking TOPCAT: answer its window.");
  const connection = await new Promise((done, fail) => desk.samp.register("STOA", done, fail));
  connection.declareMetadata([MEANING]);
  addEventListener("pagehide", () => leave(desk.samp, connection), { once: true });
  return (desk.connection = connection);
}

async function send(desk, table, say) {
  try {
    const connection = await connected(desk, say);
    const message = new desk.samp.Message("table.load.fits", {
      url: new URL(table.path, location.href).href, // as this browser reaches it, through a tunnel, too
      "table-id": table.id,
      name: table.name,
    });
    await new Promise((done, fail) => connection.notifyAll([message], done, fail));
    say(`Sent: ${table.name}`);
  } catch (problem) {
    desk.connection = null;
    say(`Not sent: no hub answers (${problem?.message ?? problem}). Start TOPCAT on your machine and send again.`);
  }
}

function save(table) {
  const link = document.createElement("a");
  Object.assign(link, { href: table.path, download: table.file });
  link.click();
}

export default function ({ data, parentElement }) {
  let line = parentElement.querySelector("[role=status]");
  if (!line) {
    line = document.createElement("span");
    line.setAttribute("role", "status");
    line.style.cssText = "font-size: 0.8rem; overflow-wrap: anywhere";
    parentElement.appendChild(line);
  }
  const desk = (window.stoaDesk ??= { done: 0, words: "", connection: null });
  desk.address = data.sampjs;
  desk.line = line;
  line.textContent = desk.words;
  const say = (words) => { desk.words = words; desk.line.textContent = words; };
  if (!desk.help) {
    desk.help = (event) => {
      if (event.key !== "?" || event.target.closest?.("input, textarea, select, [contenteditable=true]")) return;
      [...document.querySelectorAll("button")].find((button) => button.innerText.trim().startsWith("? Keys"))?.click();
    };
    document.addEventListener("keydown", desk.help);
  }
  const table = data.table;
  if (table && table.seq > desk.done) {
    desk.done = table.seq;
    if (table.file) save(table);
    else send(desk, table, say);
  }
}
