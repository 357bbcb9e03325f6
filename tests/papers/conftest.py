"""The papers of 湘江, and one matter to write into them."""

import tomllib
from pathlib import Path

import pytest

import core
from core.forms import Papers, read_papers

PROFILE = Path(core.__file__).parent / "policies" / "xiangjiang.toml"


@pytest.fixture(scope="session")
def papers() -> Papers:
    table = tomllib.loads(PROFILE.read_text("utf-8"))
    return read_papers({"forms": table["forms"], "ledger": table["ledger"]})


@pytest.fixture
def matter() -> dict[str, str]:
    return {
        "case_no": "2022-0012",
        "application_date": "2022-04-11",
        "applicant_name": "李秀兰",
        "applicant_unit": "秀兰早餐店",
        "applicant_phone": "13800001234",
        "applicant_email": "xiulan@example.com",
        "content": "我叫李秀兰，执照变更跑了三次都没有办成，窗口说话难听。",
        "content_redacted": "群众反映执照变更多次未办成，并反映服务态度。",
        "received_by": "王小美",
        "accepted_at": "2022-04-11T17:30:00+00:00",
        "responsible_unit": "市场监督管理局",
        "subject": "执照变更办理",
        "dispatched_by": "王小美",
        "feedback_due": "2022-04-25",
        "result": "已办结执照变更。",
        "solved": "yes",
        "replied_at": "2022-04-20",
    }
