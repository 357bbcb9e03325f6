/** One message row as elements, as the person who looks at it sees it.
 *
 * `to` holds what a message needs of its surroundings:
 *   mine      the id of who looks
 *   sender    (row) => {name, colour, mark}
 *   media     (id) => address
 *   open      (url) => shows a page
 *   tap       (body) => does it, body without person and message; rejects when it is impossible
 */

import { h } from "./dom.js";

const LINK = /<a\s+href="([^"]*)"[^>]*>([\s\S]*?)<\/a>|(https?:\/\/[\w\-.~:/?#@!$&'()*+,;=%[\]]+)/g;
const QUICK = /^weixin:\/\/bizmsgmenu\?msgmenucontent=([^&]*)&msgmenuid=(.*)$/;

/** What the fields of a template are called: the sandbox's templates have no words of their own. */
const FIELD_NAMES = {
  thing: "事项", character_string: "编号", phrase: "状态", name: "姓名", time: "时间", date: "日期", number: "数量",
  phone_number: "电话", amount: "金额", const: "类别", enum: "类别", letter: "代码", symbol: "标记", car_number: "车牌",
};

const SAYS = {
  text: drawText,
  markdown: (row) => h("div.bubble", {}, drawMarkdown(row.content.content)),
  image: (row, to) => h("img.picture", { src: to.media(row.content.media_id), alt: "图片" }),
  voice: () => h("div.bubble.voice", {}, h("span.waves", { "aria-hidden": "true" }), "语音"),
  file: () => h("div.bubble", {}, "文件"),
  msgmenu: drawMenu,
  news: drawNews,
  template: drawTemplate,
  textcard: drawTextcard,
  template_card: drawCard,
};

export function drawMessage(row, to) {
  const from = to.sender(row);
  if (row.recalled) return h("div.line.system", { role: "note" }, `${from.name}撤回了一条消息`);
  if (row.sender === "platform") return h("div.line.system", { role: "note" }, row.content.content);
  const draw = SAYS[row.kind] ?? (() => h("div.bubble", {}, `（${row.kind}）`));
  const mine = row.sender === to.mine;
  return h(mine ? "div.line.mine" : "div.line", {},
    h("span.face", { style: `--face:${from.colour}`, title: from.name }, from.mark),
    h("div.said", {}, draw(row, to)));
}

/** A text with links; lines of nothing but quick choices become a row of choices under it. */
function drawText(row, to) {
  const lines = row.content.content.split("\n");
  const isMenu = (line) => line.includes("weixin://bizmsgmenu") && !line.replace(LINK, "").replace(/[\s、，|/·]/g, "");
  const words = lines.filter((line) => !isMenu(line)).join("\n").trim();
  const choices = lines.filter(isMenu).flatMap((line) => inline(line, to)).filter((part) => part.nodeType === 1);
  return [
    words && h("div.bubble", {}, inline(words, to)),
    choices.length > 0 && h("div.choices", {}, choices),
  ];
}

function inline(text, to) {
  const parts = [];
  let at = 0;
  for (const found of text.matchAll(LINK)) {
    parts.push(document.createTextNode(text.slice(at, found.index)));
    const [whole, href, label, bare] = found;
    const quick = href?.replaceAll("&amp;", "&").match(QUICK);
    parts.push(quick ? choice({ id: quick[2], content: label }, to) : link(bare ?? href, label ?? bare, to));
    at = found.index + whole.length;
  }
  parts.push(document.createTextNode(text.slice(at)));
  return parts;
}

const link = (url, label, to) => h("button.link", { type: "button", onclick: () => to.open(url) }, label);

const choice = ({ id, content }, to) =>
  h("button.choice", { type: "button", onclick: (event) => press(event.currentTarget, to, { choice: id }) }, content);

/** A press is out of breath until it has been answered. */
async function press(button, to, body) {
  button.disabled = true;
  button.classList.add("busy");
  try {
    await to.tap(body);
  } finally {
    button.disabled = false;
    button.classList.remove("busy");
  }
}

function drawMenu(row, to) {
  const { head_content: head, tail_content: tail } = row.content;
  return [
    head && h("div.bubble", {}, inline(head, to)),
    h("div.choices", {}, row.choices.map((one) => choice(one, to))),
    tail && h("div.bubble.quiet", {}, inline(tail, to)),
  ];
}

/** A card that opens a page when it is touched anywhere; without a page it only stands there. */
function opening(url, to, name, ...children) {
  if (!url) return h(name, {}, children);
  const open = () => to.open(url);
  const onkeydown = (event) => event.target === event.currentTarget && event.key === "Enter" && open();
  return h(`${name}.opens`, { role: "link", tabIndex: 0, onclick: open, onkeydown }, children);
}

const more = (label) => h("div.card-more", {}, h("span", {}, label), h("span", { "aria-hidden": "true" }, "›"));

function drawNews(row, to) {
  const [article] = row.content.articles;
  return opening(article.url, to, "article.card",
    article.picurl && h("img.card-picture", { src: article.picurl, alt: "" }),
    h("h3", {}, article.title),
    article.description && h("p.card-text", {}, article.description),
    article.url && more("查看"));
}

function drawTemplate(row, to) {
  const { title, url, data } = row.content;
  const rows = Object.entries(data).map(([name, value]) => [FIELD_NAMES[name.replace(/\d+$/, "")] ?? name, value]);
  return opening(url, to, "article.card.template",
    h("div.card-source", {}, "服务通知"), h("h3", {}, title), drawRows(rows), url && more("详情"));
}

/** The few tags a textcard's description may hold are read for their words and classes only. */
function drawTextcard(row, to) {
  const { title, description, url, btntxt } = row.content;
  const parsed = new DOMParser().parseFromString(description.replaceAll("\n", "<br>"), "text/html");
  const draw = (node) => {
    if (node.nodeType === 3) return node.textContent;
    if (node.tagName === "BR") return h("br");
    const tone = ["gray", "highlight", "normal"].find((name) => node.classList.contains(name)) ?? "plain";
    return h(`${node.tagName === "DIV" ? "div" : "span"}.tone-${tone}`, {}, [...node.childNodes].map(draw));
  };
  return opening(url, to, "article.card",
    h("h3", {}, title), h("div.card-text", {}, [...parsed.body.childNodes].map(draw)), more(btntxt || "详情"));
}

function drawMarkdown(text) {
  return text.split("\n").map((line) => {
    const [, marks, rest] = line.match(/^(#{1,6} |> ?)?(.*)$/);
    const words = rest.replace(/<\/?font[^>]*>/g, "").split(/(\*\*[^*]+\*\*)/).map((part) =>
      part.startsWith("**") ? h("b", {}, part.slice(2, -2)) : part);
    return h(marks?.startsWith("#") ? "div.md-head" : marks ? "div.md-quote" : "div.md-line", {}, words);
  });
}

const drawRows = (rows) =>
  rows.length > 0 && h("dl.rows", {}, rows.map(([key, value]) => [h("dt", {}, key), h("dd", {}, value)]));

function drawCard(row, to) {
  const { card, replaced } = row;
  const { source, main_title: title, emphasis_content: emphasis, quote_area: quote, card_action: action } = card;
  // Inside a card that opens a page, a touch on a smaller thing is meant for that alone.
  const own = (element) => (element.addEventListener("click", (event) => event.stopPropagation()), element);
  const rows = (card.horizontal_content_list ?? []).map((one) => [
    one.keyname,
    one.type === 1 && one.url ? own(link(one.url, one.value || "查看", to)) : one.value ?? "",
  ]);
  const body = opening(action?.type === 1 ? action.url : "", to, "div.card-body",
    source?.desc && h(`div.card-source.tone-${source.desc_color ?? 0}`, {}, source.desc),
    title?.title && h("h3", {}, title.title),
    title?.desc && h("p.card-desc", {}, title.desc),
    emphasis && h("div.emphasis", {}, h("b", {}, emphasis.title), h("span", {}, emphasis.desc)),
    quote && drawQuote(quote, to, own),
    card.sub_title_text && h("p.card-text", {}, card.sub_title_text),
    drawRows(rows));
  const jumps = (card.jump_list ?? []).map((one) =>
    h("button.card-more", { type: "button", onclick: () => one.url && to.open(one.url) },
      h("span", {}, one.title), h("span", { "aria-hidden": "true" }, "›")));
  return h("article.card.template-card", {},
    card.action_menu && drawActions(card.action_menu, to), body, jumps, drawButtons(card, replaced, to));
}

function drawQuote(quote, to, own) {
  const words = [quote.title && h("b", {}, quote.title), quote.quote_text];
  return quote.type === 1 ? own(opening(quote.url, to, "blockquote", words)) : h("blockquote", {}, words);
}

const drawActions = (menu, to) =>
  h("details.pop.card-menu", {}, h("summary", { "aria-label": menu.desc ?? "更多" }, "⋯"),
    h("div.panel", {}, menu.action_list.map((one) =>
      h("button", { type: "button", onclick: (event) => press(event.currentTarget, to, { key: one.key }) }, one.text))));

function drawButtons(card, replaced, to) {
  const buttons = card.button_list ?? [];
  if (!buttons.length) return null;
  if (replaced !== null) return h("div.buttons", {}, h("button.done", { type: "button", disabled: true }, replaced));
  const question = card.button_selection;
  const select = question && h("select", { "aria-label": question.title ?? "请选择" },
    question.option_list.map((one) => h("option", { value: one.id, selected: one.id === question.selected_id }, one.text)));
  const selected = () => (question ? { selected: { [question.question_key]: [select.value] } } : {});
  const draw = (one) => h(`button.style-${one.style ?? 1}`, {
    type: "button",
    onclick: (event) => press(event.currentTarget, to, { key: one.type === 1 ? one.url : one.key, ...selected() }),
  }, one.text);
  return [
    question && h("label.selection", {}, question.title ?? "请选择", select),
    h("div.buttons", {}, buttons.map(draw)),
  ];
}
