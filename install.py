"""Puts what Redress needs into .venv: `python3 install.py [dev] [browser]`. `make` calls it.

Written for any Python 3, so that an old one can say that it is too old. It does nothing, and asks
no network, where everything is in place already.
"""

import fcntl
import functools
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

OLDEST = (3, 11)
OTHERS = ("python3.14", "python3.13", "python3.12", "python3.11")
HOME = Path(__file__).resolve().parent
VENV = HOME / ".venv"
PYTHON = VENV / "bin" / "python"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


say = functools.partial(print, flush=True)


def can_run(*command):
    """Whether the command is there and ends well."""
    try:
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        return subprocess.call([str(word) for word in command], **quiet) == 0
    except OSError:
        return False


def be_new_enough():
    """Go on as a Python that is new enough, or end with a sentence."""
    if sys.version_info >= OLDEST:
        return
    for name in OTHERS:
        if can_run(name, "-c", "import sys"):
            os.execvp(name, [name, *sys.argv])
    major, minor = sys.version_info[:2]
    sys.exit(
        f"Redress needs Python 3.11 or later, and {sys.executable} is {major}.{minor}. Install a"
        " newer one, or name it: make run PYTHON=/path/to/python3.12"
    )


def apt_install(what, *packages):
    """Install Debian packages where we may; return whether that worked."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return False
    say(f"Installing {what}...")
    environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    for command in (["update"], ["install", "-y", "--no-install-recommends", *packages]):
        done = subprocess.run(
            ["apt-get", "-qq", *command],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
    if done.returncode != 0:
        sys.stderr.write(done.stdout.decode(errors="replace"))
    return done.returncode == 0


def make_venv():
    if can_run(PYTHON, "-m", "pip", "--version"):
        return
    major, minor = sys.version_info[:2]
    package = f"python{major}.{minor}-venv"
    if not can_run(sys.executable, "-c", "import ensurepip, venv"):
        if not apt_install(package, package):
            sys.exit(
                "This Python cannot make a virtual environment. On Debian and Ubuntu:"
                f" sudo apt install {package} (or name another Python: make run PYTHON=...)"
            )
    if VENV.exists():
        shutil.rmtree(str(VENV))  # its Python has gone, or it was never finished
    say("Making the virtual environment .venv...")
    subprocess.check_call([sys.executable, "-m", "venv", str(VENV)])


def install(kind, requirements):
    """Install a file of pinned and hashed requirements, unless exactly it was installed before."""
    content = requirements.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    stamp = VENV / ("installed-" + kind)
    if stamp.exists() and stamp.read_text() == digest:
        return
    total = content.count(b"==")
    say(f"Installing {total} packages (first time, about a minute)...")
    command = [str(PYTHON), "-m", "pip", "install", "--require-hashes", "--no-input"]
    command += ["--disable-pip-version-check", "--progress-bar=off", "-r", str(requirements)]
    pip = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    lines = []
    for raw in pip.stdout:
        lines.append(raw.decode(errors="replace"))
        if lines[-1].startswith("Collecting ") and sys.stdout.isatty():
            seen = sum(line.startswith("Collecting ") for line in lines)
            name = lines[-1].split()[1].partition("==")[0]
            print(f"\r  {seen} of {total}: {name:<40}", end="", flush=True)
    if sys.stdout.isatty():
        print("\r" + " " * 60 + "\r", end="", flush=True)
    if pip.wait() != 0:
        sys.stderr.write("".join(lines[-20:]))
        sys.exit("The packages could not be installed; what pip says is above.")
    stamp.write_text(digest)


def install_browser():
    """Chromium for the tests of screens, where we may install it."""
    if any(shutil.which(name) for name in BROWSERS):
        return
    if apt_install("Chromium for the tests of screens", "chromium", "fonts-noto-cjk"):
        return
    if os.environ.get("CI") == "true":
        sys.exit("There is no Chromium, and CI leaves no test out. Debian: apt install chromium")
    say("No Chromium: the tests of screens are skipped. Debian: sudo apt install chromium")


def be_alone():
    """Wait for another `make` that installs here; the lock goes when this process does."""
    folder = os.open(str(HOME), os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        say("Waiting for another make to finish installing...")
        fcntl.flock(folder, fcntl.LOCK_EX)


def main():
    be_new_enough()
    be_alone()
    make_venv()
    install("packages", HOME / "requirements.txt")
    if "dev" in sys.argv:
        install("dev-packages", HOME / "requirements-dev.txt")
    if "browser" in sys.argv:
        install_browser()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("Stopped.")
