/** A phone: the chats of one platform's app, with whoever is chosen to hold it. */

import { Chat } from "./chat.js";
import { h, setBadge, toast } from "./dom.js";
import { openPage } from "./sheet.js";

const APP = { wechat: "公众号", wecom: "应用消息" };

/** The chats of all persons of a platform, and what nobody has looked at yet; several phones share one of these. */
export class Chats {
  constructor(feed, people, config) {
    Object.assign(this, { feed, people, config });
    this.phones = [];
    this.chats = new Map();
    this.unread = new Map();
    feed.listen((changed) => this.#merge(changed));
  }

  of(person) {
    if (!this.chats.has(person.id)) this.chats.set(person.id, new Chat((row) => this.#surroundings(person, row)));
    return this.chats.get(person.id);
  }

  #surroundings(person, row) {
    return {
      mine: person.id,
      sender: (row) => (row.sender === person.id ? face(person) : { name: "窗口", colour: "var(--accent)", mark: "办" }),
      media: (id) => this.feed.media(id),
      open: (url) => this.open(person, url),
      tap: (body) => this.act(person, "tap", { message: row.id, ...body }),
    };
  }

  #merge(changed) {
    if (changed === null) {
      this.chats.clear();
      this.unread.clear();
      for (const phone of this.phones) phone.hold(phone.person);
      return;
    }
    for (const row of changed.messages) {
      const person = this.people.find((one) => one.id === row.chat);
      if (!person) continue;
      const chat = this.of(person);
      const news = !chat.drawn.has(row.id) && row.sender !== person.id;
      chat.show(row);
      if (news && !this.phones.some((phone) => phone.person === person && phone.visible)) {
        this.unread.set(person.id, (this.unread.get(person.id) ?? 0) + 1);
      }
    }
    for (const phone of this.phones) phone.refresh();
  }

  /** Act as a person; a page it opens is opened. What is impossible is told. */
  async act(person, name, body = {}) {
    try {
      const { url } = await this.feed.act(name, { person: person.id, ...body });
      if (url) this.open(person, url);
      return true;
    } catch (error) {
      toast(`没有做成：${error.message}`, true);
      return false;
    }
  }

  open(person, url) {
    const phone = this.phones.find((one) => one.person === person);
    if (phone) openPage(phone.frame, this.config, person, url);
  }

  /** Give a phone to a person; if another phone has them, the two change hands. */
  give(phone, person) {
    const other = this.phones.find((one) => one !== phone && one.person === person);
    const before = phone.person;
    phone.hold(null);
    other?.hold(before);
    phone.hold(person);
  }
}

export const face = (person) => ({ name: person.name, colour: person.colour, mark: person.name[0] });

export class Phone {
  constructor(chats, person, samples) {
    Object.assign(this, { chats, samples });
    const { people, feed } = chats;
    this.kind = feed.name;
    this.faces = new Map(people.map((one) => [one.id, this.#drawFace(one)]));
    this.who = h("div.who");
    this.menu = h("details.pop.more");
    this.place = h("div.place");
    this.foot = h("footer.foot");
    this.frame = h(`section.frame.${this.kind}`, { "data-platform": this.kind },
      people.length > 1 && h("div.faces", { role: "group", "aria-label": "换一个人" }, [...this.faces.values()]),
      h("header.head", {}, this.who, this.menu), this.place, this.foot);
    chats.phones.push(this);
    this.hold(person);
  }

  get visible() {
    return this.frame.offsetParent !== null;
  }

  #drawFace(person) {
    return h("button.switch-face", {
      type: "button", title: `${person.name} · ${person.title}`, "aria-label": `${person.name}，${person.title}`,
      "data-person": person.id, onclick: () => this.chats.give(this, person),
    }, h("span.face", { style: `--face:${person.colour}` }, person.name[0]), h("span.badge", { hidden: true }));
  }

  hold(person) {
    this.person = person;
    this.place.replaceChildren();
    this.footState = "";
    this.frame.querySelector(".sheet")?.remove();
    if (!person) return;
    const chat = this.chats.of(person);
    this.place.replaceChildren(chat.element);
    chat.shown();
    for (const [id, element] of this.faces) element.setAttribute("aria-pressed", id === person.id);
    this.faces.get(person.id).scrollIntoView({ block: "nearest", inline: "nearest" });
    for (const phone of this.chats.phones) phone.refresh();
  }

  /** Badges, head and foot as they are now; the foot keeps what is being typed. */
  refresh() {
    if (!this.person) return;
    const { unread, feed } = this.chats;
    if (this.visible) unread.delete(this.person.id);
    for (const [id, element] of this.faces) setBadge(element.querySelector(".badge"), unread.get(id));
    const here = feed.rows.people.get(this.person.id);
    const follows = this.kind !== "wechat" || !here || here.following;
    const state = JSON.stringify([this.person.id, follows, feed.menu]);
    if (state === this.footState) return;
    this.footState = state;
    this.who.replaceChildren(
      h("span.face", { style: `--face:${this.person.colour}` }, this.person.name[0]),
      h("div", {}, h("b", {}, this.person.name), h("span", {}, this.person.title)),
      h("span.app-name", {}, APP[this.kind]));
    this.menu.replaceChildren(...this.#menu(follows));
    this.foot.replaceChildren(...(follows ? this.#composer() : this.#stranger()));
  }

  #menu(follows) {
    if (this.kind !== "wechat") {
      this.menu.hidden = true;
      return [];
    }
    const label = follows ? "取消关注" : "关注公众号";
    const onclick = () => {
      this.menu.open = false;
      this.#do(follows ? "unfollow" : "follow");
    };
    return [h("summary.icon", { "aria-label": "更多" }, "⋯"), h("div.panel", {}, h("button", { type: "button", onclick }, label))];
  }

  #stranger() {
    return [h("button.primary.follow", { type: "button", onclick: () => this.#do("follow") }, "关注公众号")];
  }

  #do(name, body) {
    return this.chats.act(this.person, name, body);
  }

  #composer() {
    const draft = this.foot.querySelector("textarea")?.value ?? "";
    const box = h("textarea", { rows: 1, value: draft, placeholder: "说点什么…", "aria-label": `${this.person.name}说`, enterKeyHint: "send" });
    const fit = () => {
      box.style.height = "auto";
      box.style.height = `${Math.min(box.scrollHeight, 120)}px`;
    };
    const send = async () => {
      const text = box.value.trim();
      if (!text) return;
      box.value = "";
      fit();
      if (!(await this.#do("say", { kind: "text", text })) && !box.value) box.value = text;
    };
    box.oninput = fit;
    box.onkeydown = (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      send();
    };
    const buttons = this.kind === "wechat" ? (this.chats.feed.menu.button ?? []) : [];
    return [
      buttons.length > 0 && h("div.menu-bar", { role: "group", "aria-label": "公众号菜单" }, buttons.map((one) => this.#menuButton(one))),
      h("div.composer", {}, this.#attach(), box, h("button.primary.send", { type: "button", onclick: send }, "发送")),
    ].filter(Boolean);
  }

  #menuButton(button) {
    const press = (one) => () => {
      for (const pop of this.foot.querySelectorAll("details[open]")) pop.open = false;
      this.#do("click", { key: one.type === "view" ? one.url : one.key });
    };
    const below = button.sub_button ?? [];
    if (!below.length) return h("button", { type: "button", onclick: press(button) }, button.name);
    return h("details.pop", {}, h("summary", {}, button.name),
      h("div.panel", {}, below.map((one) => h("button", { type: "button", onclick: press(one) }, one.name))));
  }

  #attach() {
    const pop = h("details.pop.attach");
    const bring = (kind, bytes) => this.#do("say", { kind, bytes });
    const sample = (kind, label) => h("button", {
      type: "button",
      onclick: async () => {
        pop.open = false;
        bring(kind, await base64(await (await fetch(this.samples[kind])).blob()));
      },
    }, label);
    const file = h("input", {
      type: "file", accept: "image/jpeg,image/png", hidden: true,
      onchange: async () => {
        if (file.files.length) bring("image", await base64(file.files[0]));
        file.value = "";
      },
    });
    const choose = h("button", { type: "button", onclick: () => ((pop.open = false), file.click()) }, "选一张照片…");
    pop.append(h("summary.icon", { "aria-label": "发照片或语音" }, "＋"),
      h("div.panel", {}, sample("image", "发示例照片"), sample("voice", "发示例语音"), choose, file));
    return pop;
  }
}

async function base64(blob) {
  const address = await new Promise((done, failed) => {
    const reader = new FileReader();
    reader.onload = () => done(reader.result);
    reader.onerror = () => failed(reader.error);
    reader.readAsDataURL(blob);
  });
  return address.slice(address.indexOf(",") + 1);
}
