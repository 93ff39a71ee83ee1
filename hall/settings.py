"""Every setting of Hall, from the environment only; an unknown HALL_ variable is refused by name."""

import os
import secrets
from pathlib import Path
from typing import Any

import dj_database_url
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from environs import Env

from hall import embedded

BASE_DIR = Path(__file__).resolve().parent.parent
env = Env()

KNOWN = {"HALL_DATA", "HALL_DEBUG", "HALL_ALLOWED_HOSTS", "HALL_WS_COMPRESSION", "HALL_WEB_PROCESSES", "HALL_POOL_SIZE"}
unknown = sorted(name for name in os.environ if name.startswith("HALL_") and name not in KNOWN)
if unknown:
    raise ImproperlyConfigured(f"Unknown setting {', '.join(unknown)}. Known: {', '.join(sorted(KNOWN))}.")

DATA_DIR = embedded.data_dir(os.environ)
DEBUG = env.bool("HALL_DEBUG", False)
SECRET_KEY = env.str("SECRET_KEY", "") or embedded.secret_key(DATA_DIR, make=lambda: secrets.token_urlsafe(50))

# Where people's devices reach the hall: ticket pages' QR codes and allowed hosts follow from it.
PUBLIC_URL = env.str("PUBLIC_URL", "").rstrip("/")
# A hall's own network has no fixed names; sockets check the origin.
ALLOWED_HOSTS = env.list("HALL_ALLOWED_HOSTS", ["*"])
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL] if PUBLIC_URL else []

INSTALLED_APPS = [
    "hall.apps.HallAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_htmx",
    "simple_history",
    "lucide",
    "csp",
    "hall.apps.HallConfig",
    "roles",
    "queueing",
    "complaints",
]

MIDDLEWARE = [
    "hall.middleware.limit_body",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "hall.middleware.know_device",
    "hall.middleware.speak_language",
    "hall.middleware.AskWhoItIs",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
            "builtins": ["hall.templatetags.hall", "lucide.templatetags.lucide"],
        },
    },
]

ROOT_URLCONF = "hall.urls"
ASGI_APPLICATION = "hall.asgi.application"

DATABASE_URL = env.str("DATABASE_URL", "") or embedded.database_url(DATA_DIR)
REDIS_URL = env.str("REDIS_URL", "") or embedded.redis_url(DATA_DIR)
for name, url, schemes in (
    ("DATABASE_URL", DATABASE_URL, ("postgresql", "postgres")),
    ("REDIS_URL", REDIS_URL, ("redis", "rediss", "unix")),
):
    if url.partition("://")[0] not in schemes:
        raise ImproperlyConfigured(f"{name} must begin with {' or '.join(f'{scheme}://' for scheme in schemes)}.")
DATABASES = {"default": dj_database_url.parse(DATABASE_URL)}
DATABASES["default"]["ENGINE"] = "django.db.backends.postgresql"
DATABASES["default"].setdefault("OPTIONS", {})
# Statements are prepared from the third time on: a tap is fifteen short ones, of which planning was a third.
DATABASES["default"]["OPTIONS"] |= {"server_side_binding": True, "prepare_threshold": 3}
# Only the web processes hold a pool; commands and workers keep one connection each.
POOL_SIZE = env.int("HALL_POOL_SIZE", 0)
if POOL_SIZE:
    DATABASES["default"]["OPTIONS"]["pool"] = {"min_size": 2, "max_size": POOL_SIZE, "timeout": 5}
    DATABASES["default"]["CONN_MAX_AGE"] = 0
else:
    DATABASES["default"]["CONN_MAX_AGE"] = None
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True  # after a restart of PostgreSQL nobody is given a dead connection

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "hall.Person"
AUTHENTICATION_BACKENDS = ["hall.sessions.ByLogin"]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "login"
SESSION_ENGINE = "hall.sessions"
SESSION_COOKIE_AGE = 60 * 60 * 14
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PUBLIC_URL.startswith("https://")
AUTH_PASSWORD_VALIDATORS = [{"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"}]

# The sender (hall.live) and the hub (hall.hub) make their own layer with time limits; this is the only address.
CHANNEL_LAYERS: dict[str, dict[str, Any]] = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [{"address": REDIS_URL, "socket_timeout": 30}], "prefix": "hall"},
    },
}

CELERY_BROKER_URL = REDIS_URL.replace("unix://", "redis+socket://", 1)  # kombu's name for the same thing
CELERY_TASK_IGNORE_RESULT = True
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TASK_DEFAULT_QUEUE = "hall"

LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", "中文"), ("en", "English")]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "Asia/Shanghai"
USE_TZ = True
USE_I18N = True

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
WHITENOISE_MANIFEST_STRICT = True

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "connect-src": [SELF],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    },
}
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"

DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
MAX_BODY_BYTES = 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 20_000  # the day's close has one for each who still waits

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(levelname)s %(name)s: %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {"hall": {"level": "INFO"}, "queueing": {"level": "INFO"}},
}
