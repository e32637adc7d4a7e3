"use strict";
/* The tree, picture, protocol and record of one justification lead to each other. */
(() => {
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const one = (selector, root = document) => root.querySelector(selector);
const data = JSON.parse(one("#data").textContent);
const nodes = data.graph.nodes;
const numbers = new Map(nodes.map((node, i) => [node.id, i]));
const below = nodes.map(() => []);
const above = nodes.map(() => []);
for (const edge of data.graph.edges) {
  const [from, to] = [numbers.get(edge.source), numbers.get(edge.target)];
  below[from].push([to, edge]);
  above[to].push([from, edge]);
}
/* Text as a person can see all of it, as elsewhere in the page. */
const visible = (text) => text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (c) => {
  const code = c.codePointAt(0).toString(16);
  return c.codePointAt(0) < 256 ? "\\x" + code.padStart(2, "0") : "\\u" + code.padStart(4, "0");
});
const made = (tag, text, classes) => {
  const element = document.createElement(tag);
  if (text !== undefined) element.textContent = text;
  if (classes) element.className = classes;
  return element;
};
const link = (text, anchor) => {
  const element = made("a", text);
  element.href = "#" + anchor;
  return element;
};
const row = (i) => document.getElementById("n" + i);
const focusable = (item) => item && (one(":scope > details > summary", item) || one(":scope > .leaf", item));
const folders = (element) => {
  const found = [];
  for (let at = element.parentElement; at; at = at.parentElement) if (at.tagName === "DETAILS") found.push(at);
  return found;
};

/* ---- tabs ---- */
const tabs = all("[role=tab]");
const panel = (tab) => document.getElementById(tab.getAttribute("aria-controls"));
function show(name) {
  for (const tab of tabs) {
    const on = panel(tab).id === name;
    tab.setAttribute("aria-selected", on);
    tab.tabIndex = on ? 0 : -1;
    panel(tab).hidden = !on;
  }
}
for (const [i, tab] of tabs.entries()) {
  panel(tab).setAttribute("role", "tabpanel");
  panel(tab).setAttribute("aria-labelledby", tab.id);
  tab.addEventListener("click", () => show(panel(tab).id));
  tab.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const next = tabs[(i + step + tabs.length) % tabs.length];
    next.focus();
    next.click();
  });
}

/* ---- the chosen node ---- */
const chosen = one(".chosen");
let current = null;
function named(i) {
  const node = nodes[i];
  const outcome = (node.verdict ? { pass: "passes", fail: "fails", open: "is open" }[node.verdict] : node.outcome).replace("_", " ");
  const name = node.kind === "criterion" ? node.id.split(":")[1] : visible(node.label);
  return node.kind === "criterion" ? `${name} ${outcome}` : `${outcome}: ${name}`;
}
function choose(i) {
  if (current === i) return;
  current = i;
  for (const each of all(".chosen-row")) each.classList.remove("chosen-row");
  for (const each of all("[aria-current]")) each.removeAttribute("aria-current");
  const item = focusable(row(i));
  if (item) {
    item.classList.add("chosen-row");
    item.setAttribute("aria-current", "true");
  }
  chosen.hidden = false;
  chosen.replaceChildren(made("span", named(i)), ...ways(i).flatMap((way) => [document.createTextNode(" · "), way]));
  describe(i);
  document.dispatchEvent(new CustomEvent("chosen", { detail: i }));
}
function ways(i) {
  const found = [];
  if (data.pictures[i]) {
    const way = link("in its picture", data.pictures[i]);
    way.dataset.box = i;
    found.push(way);
  }
  if (row(i)) found.push(link("in the tree", "n" + i));
  if (data.lines[i]) found.push(link("line " + nodes[i].line, data.lines[i]));
  const raw = data.records[nodes[i].resource];
  if (raw) found.push(link(visible(nodes[i].resource), raw));
  return found;
}
function describe(i) {
  const node = nodes[i];
  const list = made("dl");
  for (const [name, value] of Object.entries(node)) {
    if (name === "label" || value === null || (Array.isArray(value) && !value.length)) continue;
    const pair = made("div");
    const texts = Array.isArray(value) && value.every((each) => typeof each === "string");
    const text = texts ? value.join("; ") : typeof value === "object" ? JSON.stringify(value) : String(value);
    pair.append(made("dt", visible(name).replace("_", " ")), made("dd", visible(text)));
    list.append(pair);
  }
  const parts = [made("h3", visible(node.label)), list];
  for (const [title, edges] of [["It rests on", below[i]], ["It is a reason of", above[i]]]) {
    if (!edges.length) continue;
    const items = made("ul");
    for (const [other, edge] of edges.slice(0, 200)) {
      const item = made("li", visible(edge.role) + ": ");
      item.append(link(named(other), "n" + other));
      items.append(item);
    }
    if (edges.length > 200) items.append(made("li", `and ${edges.length - 200} more`));
    parts.push(made("h4", title), items);
  }
  one(".details").replaceChildren(...parts);
}

/* ---- following ---- */
let origin = null;
function reach(anchor) {
  const target = document.getElementById(anchor);
  if (!target) return false;
  for (const each of folders(target)) each.open = true;
  for (let at = target; at; at = at.parentElement) {
    if (at.classList.contains("away")) unfilter();
    if (at.tagName === "SECTION" && tabs.some((tab) => panel(tab) === at)) show(at.id);
  }
  for (const each of all(".reached")) each.classList.remove("reached");
  if (/^n\d+$/.test(anchor)) {
    choose(Number(anchor.slice(1)));
    focusable(target).focus();
  } else {
    target.classList.add("reached");
    if (target.tagName === "DETAILS") target.open = true;
    (target.tagName === "DETAILS" ? one("summary", target) : target).focus();
  }
  target.scrollIntoView({ block: "nearest" });
  return true;
}
document.addEventListener("click", (event) => {
  const to = event.target.closest("a[href^='#']");
  if (!to) return;
  const item = to.closest(".tree li");
  origin = item ? focusable(item) : to.closest(".chosen") && current !== null ? focusable(row(current)) : document.activeElement;
  if (item) choose(Number(item.dataset.node.slice(1)));
  if (to.dataset.box) {
    show("picture");
    draw(data.pictures[to.dataset.box]);
    enter(box(drawn, to.dataset.box));
    event.preventDefault();
  } else if (reach(to.getAttribute("href").slice(1))) event.preventDefault();
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && origin && origin.isConnected) {
    for (const each of folders(origin)) each.open = true;
    origin.focus();
    origin.scrollIntoView({ block: "nearest" });
  }
});

/* ---- the tree ---- */
const tree = one(".tree");
const rows = () => all("summary, .leaf", tree).filter((each) => each.checkVisibility());
tree.addEventListener("focusin", (event) => {
  const item = event.target.closest("li");
  if (item) choose(Number(item.dataset.node.slice(1)));
});
tree.addEventListener("keydown", (event) => {
  const at = event.target.closest("summary, .leaf");
  if (!at || event.ctrlKey || event.altKey || event.metaKey) return;
  const details = at.tagName === "SUMMARY" ? at.parentElement : null;
  const go = (to) => { if (to) to.focus(); };
  const found = rows();
  const place = found.indexOf(at);
  switch (event.key) {
    case "ArrowDown": go(found[place + 1]); break;
    case "ArrowUp": go(found[place - 1]); break;
    case "Home": go(found[0]); break;
    case "End": go(found[found.length - 1]); break;
    case "ArrowRight":
      if (details && !details.open) details.open = true;
      else if (details) go(found[place + 1]);
      break;
    case "ArrowLeft":
      if (details && details.open) details.open = false;
      else go(focusable(at.closest("li").parentElement.closest("li")));
      break;
    default: return;
  }
  event.preventDefault();
});

/* ---- pictures ---- */
const drawings = all(".drawing");
let drawn = null;
const zooms = new Map();
const boxes = (drawing) => all(".box", drawing);
const box = (drawing, i) => one(`.box[data-node="${i}"]:not(.more)`, drawing);
function draw(id) {
  drawn = document.getElementById(id);
  for (const each of drawings) each.hidden = each !== drawn;
  one("[name=drawing]").value = id;
  if (zooms.has(drawn)) return;
  zoom("fit");
  centre(boxes(drawn)[0]);
}
function zoom(how) {
  const svg = one("svg", drawn);
  const wide = svg.viewBox.baseVal.width;
  const room = one(".canvas", drawn).clientWidth || 800;
  const now = zooms.get(drawn) || 1;
  /* Not smaller than what can be read: what has no room is scrolled to. */
  const fit = Math.min(1, Math.max(0.85, (room - 4) / wide));
  const next = how === "fit" ? fit : Math.min(4, Math.max(0.1, now * (how === "in" ? 1.25 : 0.8)));
  zooms.set(drawn, next);
  svg.style.width = wide * next + "px";
  svg.style.height = svg.viewBox.baseVal.height * next + "px";
}
function activate(target) {
  const i = Number(target.dataset.node);
  if (target.classList.contains("more")) return reach("n" + i);
  choose(i);
  if (target.classList.contains("folded")) {
    draw(data.pictures[i]);
    enter(box(drawn, i));
  }
  return true;
}
function enter(target) {
  if (!target) return;
  for (const each of boxes(drawn)) each.setAttribute("tabindex", each === target ? "0" : "-1");
  target.focus({ preventScroll: true });
  centre(target);
}
function centre(target) {
  const canvas = one(".canvas", drawn);
  const [at, room] = [target.getBoundingClientRect(), canvas.getBoundingClientRect()];
  if (at.left < room.left || at.right > room.right) canvas.scrollLeft += at.left - room.left - (room.width - at.width) / 2;
  if (at.top < room.top || at.bottom > room.bottom) canvas.scrollTop += at.top - room.top - (room.height - at.height) / 2;
}
/* From box to box as the eye goes: to the nearest one in a direction. */
function beside(target, key) {
  const at = target.getBoundingClientRect();
  const sideways = key === "ArrowRight" || key === "ArrowLeft";
  const sign = key === "ArrowRight" || key === "ArrowDown" ? 1 : -1;
  let best = null, least = Infinity;
  for (const each of boxes(drawn)) {
    const to = each.getBoundingClientRect();
    const dx = sideways ? (sign > 0 ? to.left - at.right : at.left - to.right) : Math.abs(to.left - at.left);
    const dy = sideways ? Math.abs((to.top + to.bottom - at.top - at.bottom) / 2) : sign * (to.top - at.top);
    if (each === target || (sideways ? dx < 0 : dy <= 0)) continue;
    const far = sideways ? dx + 2 * dy : dy + 3 * dx;
    if (far < least) [best, least] = [each, far];
  }
  return best;
}
if (drawings.length) {
  one(".drawing-tools").hidden = false;
  one("[name=drawing]").addEventListener("change", (event) => draw(event.target.value));
  one(".drawing-tools").addEventListener("click", (event) => {
    if (event.target.dataset.zoom) zoom(event.target.dataset.zoom);
  });
  for (const each of drawings) boxes(each)[0].setAttribute("tabindex", "0");
  const picture = one("#picture");
  picture.addEventListener("click", (event) => {
    const target = event.target.closest(".box");
    if (target && !dragged) activate(target);
  });
  picture.addEventListener("keydown", (event) => {
    const target = event.target.closest(".box");
    if (!target) return;
    if (event.key === "Enter" || event.key === " ") activate(target);
    else if (event.key === "+" || event.key === "-") zoom(event.key === "+" ? "in" : "out");
    else if (event.key.startsWith("Arrow")) enter(beside(target, event.key));
    else return;
    event.preventDefault();
  });
  let from = null, dragged = false;
  picture.addEventListener("pointerdown", (event) => {
    const canvas = event.target.closest(".canvas");
    dragged = false;
    if (canvas && event.pointerType === "mouse" && event.button === 0) from = [canvas, event.clientX, event.clientY, canvas.scrollLeft, canvas.scrollTop];
  });
  addEventListener("pointermove", (event) => {
    if (!from) return;
    const [canvas, x, y, left, top] = from;
    if (Math.abs(event.clientX - x) + Math.abs(event.clientY - y) < 5) return;
    dragged = true;
    canvas.scrollLeft = left + x - event.clientX;
    canvas.scrollTop = top + y - event.clientY;
  });
  addEventListener("pointerup", () => { from = null; });
  document.addEventListener("chosen", (event) => {
    for (const each of all(".chosen-box")) each.classList.remove("chosen-box");
    for (const drawing of drawings) {
      const found = box(drawing, event.detail);
      if (found) found.classList.add("chosen-box");
    }
    const found = drawn && box(drawn, event.detail);
    if (found && !picture.hidden) centre(found);
  });
  document.addEventListener("filtered", (event) => {
    for (const each of all(".box.criterion")) each.classList.toggle("dim", !["fail", "open", "pass"].some((verdict) => event.detail.has(verdict) && each.classList.contains(verdict)));
  });
}

/* ---- filters ---- */
const tools = one(".tools");
const status = one(".status");
const criteria = all(".tree > ul > .criterion");
function filter() {
  const shown = new Set(all("[name=verdict]:checked", tools).map((box) => box.value));
  let left = 0;
  for (const each of criteria) {
    const on = ["fail", "open", "pass"].some((verdict) => shown.has(verdict) && each.classList.contains(verdict));
    each.hidden = !on;
    each.classList.toggle("away", !on);
    left += on;
  }
  const decides = one("[name=decides]", tools).checked;
  for (const each of all(".aside", tree)) {
    each.hidden = decides;
    each.classList.toggle("away", decides);
  }
  status.textContent = left === criteria.length && !decides ? "" :
    `${left} of ${criteria.length} criteria shown${decides ? ", only what decides" : ""}`;
  document.dispatchEvent(new CustomEvent("filtered", { detail: shown }));
}
function unfilter() {
  for (const box of all("[name=verdict]", tools)) box.checked = true;
  one("[name=decides]", tools).checked = false;
  filter();
}
tools.addEventListener("change", filter);
tools.addEventListener("submit", (event) => event.preventDefault());
tools.addEventListener("click", (event) => {
  const what = event.target.dataset.do;
  if (what === "unfold" || what === "fold") {
    for (const each of all("details", tree)) each.open = what === "unfold";
  } else if (what === "save") {
    const text = JSON.stringify(data.graph, null, 2) + "\n";
    const to = made("a");
    to.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
    to.download = "justification.json";
    to.click();
    URL.revokeObjectURL(to.href);
  }
});

/* ---- printing: the whole tree ---- */
let folded = [];
addEventListener("beforeprint", () => {
  folded = all("details:not([open])", tree);
  for (const each of folded) each.open = true;
});
addEventListener("afterprint", () => {
  for (const each of folded) each.open = false;
});

document.documentElement.classList.add("scripted");
for (const each of [tools, one(".tabs"), one(".keys")]) each.hidden = false;
show("picture");
if (drawings.length) draw(drawings[0].id);
if (location.hash) reach(location.hash.slice(1));
})();
