// In Streamlit's page: "?" opens the help; tables, images, selections and positions go to the SAMP hub on the desk of
// who looks at the page, and what is picked there comes back as state.
const MEANING = { "samp.name": "STOA", "samp.description.text": "tables, images and selections of a STOA project" };
const HEARD = ["table.highlight.row", "table.select.rowList", "coord.pointAt.sky"];
const KINDS = { "table.load.fits": "tables", "image.load.fits": "images" };
const TUNNEL = "Reach the dashboard through an SSH tunnel (ssh -N -L 8501:localhost:8501 SERVER, then http://localhost:8501), or join your desktop by `stoa samp bridge` (below: Bridge).";
const MANY = 2000; // rows of one selection; of longer ones only the newest is kept

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
  if (!connection?.privateKey) return;
  const farewell = new samp.XmlRpcRequest("samp.webhub.unregister");
  farewell.addParam(connection.privateKey);
  const headers = { "Content-Type": "text/xml" };
  fetch(connection.xClient.endpoint, { method: "POST", keepalive: true, headers, body: farewell.toXml() });
}

async function why(problem) { // a route that cannot work for this page is explained
  const here = ["localhost", "127.0.0.1", "[::1]"].includes(location.hostname);
  if (!here && !window.isSecureContext) return `Not connected: over plain http from ${location.hostname}, browsers do not let a page reach the programs on your desktop. ${TUNNEL}`;
  for (const name of here ? [] : ["loopback-network", "local-network-access"]) {
    const asked = await navigator.permissions.query({ name }).catch(() => null);
    if (asked?.state === "denied") return `Not connected: your browser does not let ${location.hostname} reach your desktop. Allow "local network" in the settings of this site (left of the address), or use a different way. ${TUNNEL}`;
  }
  return `Not connected: no hub answers (${problem?.message ?? problem}). Start TOPCAT on your machine and try again.`;
}

function hear(desk, client, mtype) {
  client.callHandler[mtype] = (sender, message) => {
    const params = message["samp.params"] ?? {};
    const item = { seq: (desk.heard = Math.max(desk.heard + 1, Date.now())), mtype, sender: client.getName(sender), params };
    const short = desk.inbox.filter((each) => (each.params["row-list"]?.length ?? 0) <= MANY);
    desk.inbox = [...short, item].slice(-20);
    desk.set("inbox", desk.inbox);
    return {};
  };
}

async function connected(desk) {
  desk.samp ??= await library(desk.address);
  if (desk.connection && !desk.connection.closed) return desk.connection;
  desk.say("Asking TOPCAT: answer its window.");
  const connection = await new Promise((done, fail) => desk.samp.register("STOA", done, fail));
  const client = (desk.client = new desk.samp.ClientTracker());
  for (const mtype of HEARD) hear(desk, client, mtype);
  connection.onclose = () => { desk.connection = null; desk.state("", "The hub on your desktop has gone."); };
  const asked = (method, words) => new Promise((done) => connection[method](words, done, () => done(null)));
  await asked("declareMetadata", [MEANING]);
  // sampjs closes the connection at every error that no one handles, such as an answer to a program that has left.
  client.connection = { reply: (words) => asked("reply", words), close: () => connection.close() };
  for (const id of (await asked("getRegisteredClients", [])) ?? []) client.metas[id] = await asked("getMetadata", [id]);
  await new Promise((done) => connection.setCallable(client, () => connection.declareSubscriptions([client.calculateSubscriptions()], done, done)));
  addEventListener("pagehide", () => leave(desk.samp, connection), { once: true });
  desk.connection = connection;
  desk.state("on", "Connected with your desktop.");
  return connection;
}

function all(desk, connection, message) { // answers by application: loading is over when they are there
  return new Promise((done, fail) => {
    const tag = `t${Math.random().toString(36).slice(2)}`;
    const answers = [];
    let wanted = null;
    const finish = () => { if (wanted !== null && answers.length >= wanted) { delete desk.client.replyHandler[tag]; done(answers); } };
    desk.client.replyHandler[tag] = (responder, _tag, response) => {
      const error = response["samp.status"] === "samp.error" ? response["samp.error"]?.["samp.errortxt"] ?? "refused" : "";
      answers.push({ name: desk.client.getName(responder), error });
      finish();
    };
    connection.callAll([tag, message], (found) => { wanted = Object.keys(found ?? {}).length; finish(); }, fail);
    setTimeout(() => { delete desk.client.replyHandler[tag]; done(answers); }, 60000);
  });
}

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

async function carryOut(desk, { mtype, params }) {
  const { path, ...given } = params;
  const value = (x) => (Array.isArray(x) ? x.map(String) : String(x));
  const sent = Object.fromEntries(Object.entries(given).map(([key, x]) => [key, value(x)]));
  if (path) sent.url = new URL(path, location.href).href; // as this browser reaches it, through a tunnel, too
  let connection;
  try {
    connection = await connected(desk);
  } catch (problem) {
    desk.connection = null;
    desk.state("", await why(problem));
    return;
  }
  const begun = performance.now();
  const tries = mtype.startsWith("table.") && !path ? 15 : 1; // TOPCAT says that it has a table before it can select in it
  let answers = [];
  for (let n = 0; n < tries; n++) {
    if (n) await pause(200);
    answers = await all(desk, connection, new desk.samp.Message(mtype, sent));
    if (answers.some((each) => !each.error)) break;
  }
  const took = answers.filter((each) => !each.error).map((each) => each.name);
  const what = params.name ?? (mtype === "coord.pointAt.sky" ? "a position" : "a selection");
  const seconds = ((performance.now() - begun) / 1000).toFixed(1);
  if (took.length) desk.say(`Sent: ${what}, to ${took.join(", ")} (${seconds} s)`);
  else if (answers.length) desk.say(`Not taken: ${what}: ${answers[0].name}: ${answers[0].error}`.slice(0, 300));
  else desk.say(`Not sent: no program at your hub takes ${KINDS[mtype] ?? "this"}.`);
}

function save({ path, file }) {
  const link = document.createElement("a");
  Object.assign(link, { href: path, download: file });
  link.click();
}

export default function ({ data, parentElement, setStateValue }) {
  let line = parentElement.querySelector("[role=status]");
  if (!line) {
    line = document.createElement("span");
    line.setAttribute("role", "status");
    line.style.cssText = "font-size: 0.8rem; overflow-wrap: anywhere; display: block";
    const button = document.createElement("button");
    button.type = "button";
    button.style.cssText = "font: inherit; font-size: 0.8rem; color: inherit; background: none; border: 1px solid #8888; border-radius: 6px; padding: 2px 8px; cursor: pointer";
    parentElement.append(button, line);
  }
  const button = parentElement.querySelector("button");
  const desk = (window.stoaDesk ??= { done: 0, heard: 0, words: "", inbox: [], connection: null, busy: Promise.resolve() });
  desk.address = data.sampjs;
  desk.line = line;
  desk.set = setStateValue;
  desk.say = (words) => { desk.words = words; desk.line.textContent = words; };
  desk.state = (state, words) => { desk.say(words); desk.label(); desk.set("hub", state); };
  desk.label = () => { button.textContent = desk.connection ? "Disconnect from TOPCAT" : "Connect to TOPCAT"; button.hidden = !data.has; };
  line.textContent = desk.words;
  desk.label();
  button.onclick = () => {
    if (desk.connection) desk.connection.close();
    else desk.busy = desk.busy.then(() => connected(desk).catch(async (problem) => { desk.connection = null; desk.state("", await why(problem)); }));
  };
  if (!desk.help) {
    desk.help = (event) => {
      if (event.key !== "?" || event.target.closest?.("input, textarea, select, [contenteditable=true]")) return;
      [...document.querySelectorAll("button")].find((button) => button.innerText.trim().startsWith("? Keys"))?.click();
    };
    document.addEventListener("keydown", desk.help);
  }
  for (const command of data.commands) {
    if (command.seq <= desk.done) continue;
    desk.done = command.seq;
    if (command.mtype === "save") save(command.params);
    else desk.busy = desk.busy.then(() => carryOut(desk, command));
  }
}
