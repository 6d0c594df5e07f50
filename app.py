"""The application: config -> db -> security -> views -> cli."""

from pathlib import Path
from typing import Any

from flask import Flask
from flask_babel import Babel
from flask_bootstrap import Bootstrap5
from flask_migrate import Migrate
from flask_wtf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix

import cli
import config
import delivery
import embedded
import limits
import logs
import metrics
import security
import views
from models import db


def _databases(values: dict[str, Any], instance: Path) -> tuple[str, str]:
    """Return the URLs of the database for the web server and for its owner."""
    if values["DATABASE_URL"]:
        return values["DATABASE_URL"], values["OWNER_DATABASE_URL"] or values["DATABASE_URL"]
    owner = embedded.database_url(instance)
    return embedded.web_url(owner), owner


def create_app(settings: dict[str, Any] | None = None) -> Flask:
    """Return the application. `settings` replace what the environment says, name by name.

    Raises config.SettingWrong with a sentence where a setting cannot be used.
    """
    values = config.read() | (settings or {})
    instance = Path(values["INSTANCE"])
    app = Flask(__name__, instance_path=str(instance.resolve()))
    app.config.from_mapping(values)
    url, owner = _databases(values, instance)
    app.config.update(
        SECRET_KEY=values["SECRET_KEY"] or config.secret_key(instance),
        SQLALCHEMY_DATABASE_URI=config.driver_url(url),
        OWNER_DATABASE_URL=owner,
        MAX_CONTENT_LENGTH=values["UPLOAD_MEGABYTES"] * 1024 * 1024,
        MAX_FORM_MEMORY_SIZE=limits.LARGEST_FORM,
        WTF_CSRF_TIME_LIMIT=None,
        BABEL_DEFAULT_LOCALE=values["LANGUAGE"],
        BABEL_DEFAULT_TIMEZONE=values["TIMEZONE"],
        BOOTSTRAP_SERVE_LOCAL=True,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=values["PRODUCTION"],
    )
    if proxies := values["TRUSTED_PROXIES"]:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=proxies, x_proto=proxies, x_host=proxies)  # type: ignore[method-assign]
    db.init_app(app)
    Migrate(app, db, directory=str(config.HOME / "migrations"))
    Babel(app, locale_selector=security.language, timezone_selector=security.timezone)
    Bootstrap5(app)
    limits.init_app(app)
    security.init_app(app)  # before CSRFProtect: nobody without a log-in has a form read
    CSRFProtect(app)
    delivery.init_app(app)
    views.init_app(app)
    cli.init_app(app)
    metrics.init_app(app)
    logs.init_app(app)
    return app
