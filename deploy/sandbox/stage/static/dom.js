/** Elements, times and the notice at the foot of the page. Text goes in as text, never as HTML. */

/** h("button.primary", {onclick, disabled: true}, "签收", [more]) */
export function h(name, props = {}, ...children) {
  const [tag, ...classes] = name.split(".");
  const element = document.createElement(tag || "div");
  if (classes.length) element.className = classes.join(" ");
  for (const [key, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (key === "style") element.style.cssText = value;
    else if (key.startsWith("on") || key in element) element[key] = value;
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

const shanghai = (options) => new Intl.DateTimeFormat("zh-CN", { timeZone: "Asia/Shanghai", hourCycle: "h23", ...options });
const TIME = shanghai({ hour: "2-digit", minute: "2-digit" });
const DAY = shanghai({ month: "long", day: "numeric" });
const YEAR = shanghai({ year: "numeric" });
const WEEKDAY = shanghai({ weekday: "short" });

export const time = (at) => TIME.format(new Date(at));
export const day = (at) => `${DAY.format(new Date(at))} ${WEEKDAY.format(new Date(at))}`;
export const year = (at) => YEAR.format(new Date(at));

export function setBadge(badge, count) {
  badge.hidden = !count;
  badge.textContent = count > 99 ? "99+" : count;
}

let hiding;
/** A short notice, gone after a while. */
export function toast(text, bad = false) {
  const element = document.getElementById("toast");
  element.textContent = text;
  element.classList.toggle("bad", bad);
  element.hidden = false;
  clearTimeout(hiding);
  hiding = setTimeout(() => (element.hidden = true), 4000);
}

export async function getJson(url, init) {
  const answer = await fetch(url, init);
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(body.error ?? `${answer.status}`);
  return body;
}

/** Close the open pop-ups of the page that do not hold `inside`. */
export function closePops(inside) {
  for (const pop of document.querySelectorAll("details.pop[open]")) if (!pop.contains(inside)) pop.open = false;
}
