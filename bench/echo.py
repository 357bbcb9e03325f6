"""The peer of a turn: what a Flask and wechatpy bot does at least. It stores nothing and says back what it heard."""

from __future__ import annotations

from flask import Flask, request
from wechatpy import parse_message
from wechatpy.crypto import WeChatCrypto
from wechatpy.replies import create_reply

from bench.hall import KEYS

app = Flask(__name__)
crypto = WeChatCrypto(KEYS.token, KEYS.aes_key, KEYS.receiver)


@app.post("/callback/wechat")
def receive() -> str:
    stamp, nonce = request.args["timestamp"], request.args["nonce"]
    xml = crypto.decrypt_message(request.get_data(), request.args["msg_signature"], stamp, nonce)
    message = parse_message(xml)
    reply = create_reply(message.content, message)
    return str(crypto.encrypt_message(reply.render(), nonce, stamp))
