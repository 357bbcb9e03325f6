/** The bar at the top: the story's clock, the pushes, the faults, and the drawer that tells what happened. */

import { closePops, day, getJson, h, setBadge, time, toast, year } from "./dom.js";

const PUSHES = [
  ["minutes:10", "+10 分钟"], ["hours:1", "+1 小时"], ["next_morning", "下个工作日早上"],
  ["after_limit", "期限后一分钟"], ["days:3", "+3 天"],
];
const FAULTS = {
  twice: "重复送达", late: "迟到", lost: "回应丢失", drop: "根本没到", "5xx": "网关 502", reordered: "前后颠倒",
  throttled: "被限流", busy: "系统繁忙", expire_token: "令牌失效",
};
const SUFFERS = {
  in: ["twice", "late", "lost", "drop", "5xx", "reordered"],
  out: ["twice", "late", "lost", "drop", "5xx", "throttled", "busy", "expire_token"],
};
const OUTCOMES = {
  pending: "在等回应", answered: "已回应", empty: "已收下", malformed: "回应格式不对", failed: "没有成功",
  dropped: "没有送到", held: "押后", ignored: "已收下",
};
const PLATFORMS = { wechat: "公众号", wecom: "企业微信" };

export class Clock {
  constructor(control) {
    this.control = control;
    const group = document.getElementById("pushes");
    this.buttons = PUSHES.map(([kind, label]) =>
      h("button.tool", { type: "button", "data-push": kind, onclick: () => this.#push(kind) }, label));
    group.append(...this.buttons);
  }

  async pull() {
    this.#show(await getJson(`${this.control}/clock`));
  }

  #show({ now, working_day: working }) {
    document.getElementById("clock-time").textContent = time(now);
    document.getElementById("clock-year").textContent = year(now);
    document.getElementById("clock-date").textContent = day(now);
    if (working === undefined) return;
    const kind = document.getElementById("clock-kind");
    kind.hidden = false;
    kind.textContent = working ? "工作日" : "休息日";
    kind.classList.toggle("rest", !working);
  }

  async #push(to) {
    const clock = document.getElementById("clock");
    for (const button of this.buttons) button.disabled = true;
    clock.classList.add("running");
    try {
      const init = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ to }) };
      const { now, steps } = await getJson(`${this.control}/push`, init);
      this.#show({ now });
      await this.pull();
      toast(`时间到了 ${day(now)} ${time(now)}${steps ? `，途中停下 ${steps} 次办事` : ""}`);
    } catch (error) {
      toast(`时间没有推动：${error.message}`, true);
    } finally {
      clock.classList.remove("running");
      for (const button of this.buttons) button.disabled = false;
    }
  }
}

export function drawFaults(feeds) {
  const pop = document.getElementById("faults");
  const form = pop.querySelector("form");
  const choose = (name, options) => h("select", { name }, options.map(([value, label]) => h("option", { value }, label)));
  const platform = choose("platform", feeds.map((feed) => [feed.name, PLATFORMS[feed.name]]));
  const direction = choose("direction", [["in", "平台 → 办成"], ["out", "办成 → 平台"]]);
  const kind = h("select", { name: "kind" });
  const count = h("input", { name: "count", type: "number", min: 1, max: 99, value: 1 });
  const armed = h("p.armed", {}, "毛病出过就好，不会留下");
  const offer = () => kind.replaceChildren(...SUFFERS[direction.value].map((one) => h("option", { value: one }, FAULTS[one])));
  direction.onchange = offer;
  offer();
  const post = (feed, body) => getJson(`${feed.base}/_sandbox/faults`, { method: "POST", body: JSON.stringify(body) });
  const attempt = async (doing, done) => {
    try {
      await doing();
      armed.textContent = done;
    } catch (error) {
      toast(`没有装上：${error.message}`, true);
    }
  };
  form.onsubmit = (event) => {
    event.preventDefault();
    const feed = feeds.find((one) => one.name === platform.value);
    const fault = { direction: direction.value, kind: kind.value, count: Number(count.value) || 1 };
    attempt(() => post(feed, fault), `装上了：${PLATFORMS[feed.name]}，${FAULTS[fault.kind]}，${fault.count} 次`);
  };
  const clear = () => attempt(() => Promise.all(feeds.map((feed) => post(feed, {}))), "都清除了");
  form.append(
    h("p.panel-head", {}, "让线路出一次毛病"),
    h("label", {}, "哪一边", platform), h("label", {}, "方向", direction), h("label", {}, "毛病", kind), h("label", {}, "几次", count),
    h("div.panel-foot", {}, h("button", { type: "button", onclick: clear }, "全部清除"), h("button.primary", { type: "submit" }, "装上")),
    armed);
}

/** The drawer: what was told to whom under which clause, and how the wires fared. */
export class Log {
  constructor(control, feeds, names) {
    Object.assign(this, { control, names, since: 0, unread: 0, drawn: new Map() });
    this.panel = document.getElementById("log");
    this.button = document.getElementById("log-button");
    this.lists = [...this.panel.querySelectorAll(".log-lines")];
    const tabs = ["经过", "线路"].map((label, index) => h("button", { type: "button", role: "tab", onclick: () => this.#turn(index) }, label));
    this.tabs = tabs;
    this.panel.querySelector(".switch").append(...tabs);
    this.#turn(0);
    this.button.onclick = () => this.#show(this.panel.hidden);
    this.panel.querySelector("[data-close]").onclick = () => this.#show(false);
    for (const feed of feeds) feed.listen((changed) => this.#wires(feed, changed));
  }

  #turn(index) {
    this.lists.forEach((list, at) => (list.hidden = at !== index));
    this.tabs.forEach((tab, at) => tab.setAttribute("aria-selected", String(at === index)));
  }

  #show(yes) {
    this.panel.hidden = !yes;
    this.button.setAttribute("aria-expanded", String(yes));
    if (yes) this.unread = 0;
    setBadge(this.button.querySelector(".badge"), this.unread);
    if (yes) for (const list of this.lists) list.scrollTop = list.scrollHeight;
  }

  async pull() {
    const lines = await getJson(`${this.control}/log?since=${this.since}`);
    for (const line of lines) {
      if (line.id <= this.since) continue;
      this.since = line.id;
      this.#append(this.lists[0], drawLine(line));
      if (this.panel.hidden) this.unread += 1;
    }
    setBadge(this.button.querySelector(".badge"), this.unread);
  }

  #append(list, element) {
    const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 60;
    list.append(element);
    if (atEnd) list.scrollTop = list.scrollHeight;
  }

  #wires(feed, changed) {
    if (changed === null) {
      for (const [key, element] of [...this.drawn].filter(([key]) => key.startsWith(`${feed.name} `))) {
        element.remove();
        this.drawn.delete(key);
      }
      return;
    }
    for (const row of changed.callbacks) {
      this.#put(`${feed.name} ${row.id}`, drawWire(row, `${PLATFORMS[feed.name]} → 办成`,
        `${this.names(feed.name, row.person)} · ${row.type}`, OUTCOMES[row.outcome] ?? row.outcome, row.tries.length));
    }
    for (const row of changed.dropped) {
      this.#put(`${feed.name} ${row.id}`, drawWire(row, `办成 → ${PLATFORMS[feed.name]}`,
        `${this.names(feed.name, row.chat)} · ${row.kind}`, "超出平台限额，没有送达", 0));
    }
  }

  #put(key, element) {
    const known = this.drawn.get(key);
    this.drawn.set(key, element);
    if (known) known.replaceWith(element);
    else this.#append(this.lists[1], element);
  }
}

const drawLine = (line) =>
  h("li", {},
    h("div.log-meta", {}, h("time", { dateTime: line.at }, `${day(line.at)} ${time(line.at)}`), h("b", {}, line.who)),
    h("p", {}, line.text),
    line.clause && h("span.clause", {}, line.clause));

const drawWire = (row, way, what, outcome, tries) =>
  h("li", { "data-outcome": row.outcome ?? "dropped" },
    h("div.log-meta", {}, h("time", { dateTime: row.at }, `${day(row.at)} ${time(row.at)}`), h("b", {}, way)),
    h("p", {}, what),
    h("span.clause", {}, tries > 1 ? `${outcome} · 试了 ${tries} 次` : outcome));

addEventListener("click", (event) => closePops(event.target));
addEventListener("keydown", (event) => event.key === "Escape" && closePops(null));
