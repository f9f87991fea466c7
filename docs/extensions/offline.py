"""Does a built site ask anything of another host? ``python docs/extensions/offline.py FOLDER``.

Links that a reader may follow are no requests; scripts, styles, fonts and pictures are.
"""

import re
import sys
from pathlib import Path

_TAG = re.compile(
    r"""<(?:script|img|source|iframe|audio|video|embed)\b[^>]*?\bsrc\s*=\s*["']?((?:https?:)?//[^"'\s>]+)"""
    r"""|<link\b(?=[^>]*\brel\s*=\s*["']?(?:stylesheet|preload|icon|preconnect|dns-prefetch|modulepreload))"""
    r"""[^>]*?\bhref\s*=\s*["']?((?:https?:)?//[^"'\s>]+)""",
    re.IGNORECASE,
)
_STYLE = re.compile(r"""(?:url\(\s*["']?|@import\s+["'])((?:https?:)?//[^"')\s]+)""", re.IGNORECASE)


def requests(folder: Path) -> list[str]:
    """List the addresses on other hosts that pages and styles would fetch, with their files."""
    found = []
    for path in sorted(folder.rglob("*")):
        pattern = {".html": _TAG, ".css": _STYLE}.get(path.suffix)
        if pattern is None:
            continue
        for one in pattern.finditer(path.read_text(errors="replace")):
            found.append(f"{path.relative_to(folder)}: {next(filter(None, one.groups()))}")
    return found


if __name__ == "__main__":
    away = requests(Path(sys.argv[1]))
    print("\n".join(away) or "no page asks another host for anything")
    sys.exit(bool(away))
