/** The stage: it sets up the columns and asks everybody, again and again, what is new. */

import { Clock, drawFaults, Log } from "./bar.js";
import { getJson, h, setBadge } from "./dom.js";
import { Feed } from "./feed.js";
import { Groups } from "./group.js";
import { Chats, Phone } from "./phone.js";

const EVERY = 700; // ms
const samples = { image: "sample-photo.jpg", voice: "sample-voice.amr" };

const config = await getJson("config.json");
const home = new URL(config.app).hostname;
if (location.hostname !== home) location.hostname = home; // else the cookies of the pages would be another host's

const feeds = { wechat: new Feed("wechat", config.wechat), wecom: new Feed("wecom", config.wecom) };
const played = (platform) => config.people.filter((one) => one.platform === platform);
const citizens = new Chats(feeds.wechat, played("wechat"), config);
const officers = new Chats(feeds.wecom, played("wecom"), config);
const groups = new Groups(feeds.wecom, officers.people, config);

const columns = [
  ["群众", "公众号", ...phone(citizens, 0)],
  ["责任单位", "工作群", groups, () => sum(groups.unread)],
  ["工作人员", "企业微信 · 甲", ...phone(officers, 0)],
  ["工作人员", "企业微信 · 乙", ...phone(officers, 1)],
].filter(([, , shown]) => shown);

function phone(chats, index) {
  const person = chats.people[index];
  return person ? [new Phone(chats, person, samples), () => sum(chats.unread)] : [];
}

function sum(unread) {
  return [...unread.values()].reduce((total, one) => total + one, 0);
}

const stage = document.getElementById("columns");
const tabs = columns.map(([role, platform], index) =>
  h("button.tab", { type: "button", role: "tab", onclick: () => turn(index) }, role, h("small", {}, platform), h("span.badge", { hidden: true })));
document.getElementById("tabs").append(...tabs);
stage.append(...columns.map(([role, platform, { frame }]) =>
  h("div.column", {}, h("div.caption", {}, h("b", {}, role), h("span", {}, platform), h("i.wire", { title: "线路" })), frame)));

/** On a narrow screen one column shows. */
function turn(index) {
  here = index;
  [...stage.children].forEach((column, at) => column.classList.toggle("here", at === index));
  tabs.forEach((tab, at) => tab.setAttribute("aria-selected", String(at === index)));
  columns[index][2].refresh();
  for (const chats of [citizens, officers]) for (const one of chats.phones) if (one.person) chats.of(one.person).shown();
  if (groups.current) groups.choose(groups.current);
  count();
}

function count() {
  columns.forEach(([, , , unread], index) => setBadge(tabs[index].querySelector(".badge"), index === here ? 0 : unread()));
}

let here = 0;
turn(0);

const clock = new Clock(config.control);
const names = (platform, id) => config.people.find((one) => one.platform === platform && one.id === id)?.name ?? id;
const log = new Log(config.control, Object.values(feeds), names);
drawFaults(Object.values(feeds));

const sources = [feeds.wechat, feeds.wecom, clock, log];
for (;;) {
  const results = await Promise.allSettled(sources.map((source) => source.pull()));
  const dead = results.slice(0, 2).map((result) => result.status === "rejected");
  columns.forEach(([, , { frame }], index) =>
    stage.children[index].classList.toggle("dead", frame.dataset.platform === "wechat" ? dead[0] : dead[1]));
  count();
  await new Promise((done) => setTimeout(done, EVERY));
}
