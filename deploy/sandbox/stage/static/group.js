/** The chat groups of the units, seen through the eyes of one of their members. */

import { Chat } from "./chat.js";
import { h, setBadge } from "./dom.js";
import { openPage } from "./sheet.js";

export class Groups {
  constructor(feed, people, config) {
    Object.assign(this, { feed, people, config });
    this.chats = new Map();
    this.unread = new Map();
    this.current = null;
    this.faces = h("div.group-tabs", { role: "tablist", "aria-label": "换一个群" });
    this.name = h("b");
    this.count = h("span");
    this.reader = h("select", { "aria-label": "以谁的身份看" });
    this.place = h("div.place", {}, this.#nothing());
    this.frame = h("section.frame.group", { "data-platform": "group" },
      this.faces,
      h("header.head", {}, h("div.who", {}, h("span.face.square", {}, "群"), h("div", {}, this.name, this.count)),
        h("label.reader", {}, h("span", {}, "以谁的身份看"), this.reader)),
      this.place,
      h("footer.foot.note", {}, "群里不出现群众的姓名和电话"));
    this.#head();
    feed.listen((changed) => this.#merge(changed));
  }

  #nothing() {
    return h("div.nothing", {}, h("b", {}, "群里还没有消息"), h("span", {}, "窗口把事项交办给单位，这里会收到通知"));
  }

  get visible() {
    return this.frame.offsetParent !== null;
  }

  #merge(changed) {
    if (changed === null) {
      this.chats.clear();
      this.unread.clear();
      this.current = null;
      this.place.replaceChildren(this.#nothing());
      this.#head();
      return;
    }
    for (const row of changed.messages) {
      if (!this.feed.rows.groups.has(row.chat)) continue;
      const chat = this.#chat(row.chat);
      const news = !chat.drawn.has(row.id);
      chat.show(row);
      if (news && this.current === null) this.choose(row.chat);
      if (news && (this.current !== row.chat || !this.visible)) this.unread.set(row.chat, (this.unread.get(row.chat) ?? 0) + 1);
    }
    if (changed.groups.length) this.#head();
    this.refresh();
  }

  #chat(chatid) {
    if (!this.chats.has(chatid)) this.chats.set(chatid, new Chat(() => this.#surroundings()));
    return this.chats.get(chatid);
  }

  #surroundings() {
    return {
      mine: null,
      sender: () => ({ name: "窗口", colour: "var(--accent)", mark: "办" }),
      media: (id) => this.feed.media(id),
      open: (url) => this.reader.value && openPage(this.frame, this.config, this.#known(this.reader.value), url),
      tap: async () => {},
    };
  }

  choose(chatid) {
    this.current = chatid;
    const chat = this.#chat(chatid);
    this.place.replaceChildren(chat.element);
    chat.shown();
    this.#head();
    this.refresh();
  }

  #head() {
    const groups = [...this.feed.rows.groups.values()].filter((one) => this.chats.has(one.chatid));
    this.faces.hidden = groups.length < 2;
    this.faces.replaceChildren(...groups.map((one) =>
      h("button.group-tab", {
        type: "button", role: "tab", "aria-selected": String(one.chatid === this.current),
        "data-group": one.chatid, onclick: () => this.choose(one.chatid),
      }, one.name, h("span.badge", { hidden: true }))));
    const group = this.feed.rows.groups.get(this.current);
    this.name.textContent = group?.name ?? "责任单位工作群";
    this.count.textContent = group ? `${group.members.length} 人` : "企业微信群";
    const before = this.reader.value;
    const members = group?.members ?? [];
    this.reader.replaceChildren(...members.map((id) => h("option", { value: id, selected: id === before }, this.#known(id).name)));
    this.reader.parentElement.hidden = !members.length;
  }

  #known(id) {
    return this.people.find((one) => one.id === id) ?? { id, name: this.feed.rows.people.get(id)?.name ?? id };
  }

  refresh() {
    if (this.visible) this.unread.delete(this.current);
    for (const tab of this.faces.children) setBadge(tab.querySelector(".badge"), this.unread.get(tab.dataset.group));
  }
}
