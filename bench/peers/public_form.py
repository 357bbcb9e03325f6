"""django-helpdesk's public ticket form, posted by Django's test client: `python public_form.py DATABASE-URL`.

Runs in an environment of its own. Each line read is a number of tickets; each line written says how long they
took. Mail is drawn and thrown away, connections are kept: kind to what is measured.
"""

# mypy: disable-error-code="import-not-found"

import json
import sys
import time
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import django
from django.conf import settings

BODY = "给老房子加装电梯，材料交了三回，每回都说缺一样，跑了五趟还没受理"


def configure(url: str) -> None:
    address = urlsplit(url)
    place = {name: values[0] for name, values in parse_qs(address.query).items()}
    settings.configure(
        SECRET_KEY="only-for-measuring",
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF=Path(__file__).stem,
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.postgresql",
                "NAME": address.path.strip("/"),
                "USER": address.username or "",
                "PASSWORD": address.password or "",
                "HOST": place.get("host", address.hostname or ""),
                "PORT": place.get("port", str(address.port or "")),
                "CONN_MAX_AGE": None,
            }
        },
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "django.contrib.sites",
            "django.contrib.messages",
            "django.contrib.staticfiles",
            "django.contrib.admin",
            "django.contrib.humanize",
            "rest_framework",
            "helpdesk",
        ],
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.common.CommonMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django.contrib.messages.middleware.MessageMiddleware",
        ],
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "APP_DIRS": True,
                "OPTIONS": {
                    "context_processors": [
                        "django.template.context_processors.request",
                        "django.contrib.auth.context_processors.auth",
                        "django.contrib.messages.context_processors.messages",
                    ]
                },
            }
        ],
        SITE_ID=1,
        USE_TZ=True,
        STATIC_URL="/static/",
        DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        EMAIL_BACKEND="django.core.mail.backends.dummy.EmailBackend",
        LOGGING_CONFIG=None,
        HELPDESK_TEAMS_MODE_ENABLED=False,
    )
    django.setup()


def main() -> None:
    configure(sys.argv[1])
    from django.core.management import call_command
    from django.test import Client

    call_command("migrate", verbosity=0, interactive=False)
    call_command("loaddata", "emailtemplate.json", verbosity=0)
    from helpdesk.models import Queue

    queue = Queue.objects.create(title="Window", slug="window", allow_public_submission=True)
    client = Client()
    form = {
        "queue": queue.id,
        "title": "加装电梯申请未获受理",
        "body": BODY,
        "priority": 3,
        "submitter_email": "resident@example.com",
    }
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        begun = time.perf_counter()
        for _ in range(int(line)):
            answer = client.post("/tickets/submit/", form)
            if answer.status_code != 302:
                raise RuntimeError(f"the form answered {answer.status_code}")
        print(json.dumps({"seconds": time.perf_counter() - begun}), flush=True)


if __name__ == "__main__":
    main()
else:
    from django.urls import include, path

    urlpatterns = [path("", include("helpdesk.urls", namespace="helpdesk"))]
