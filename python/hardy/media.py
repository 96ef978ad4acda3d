"""Recordings -> corpora: calls `hardy extract`."""

from __future__ import annotations

import os
import tempfile
from typing import Any, Sequence

from .corpus import Corpus
from .errors import ConfigError
from .training import command


def extract(
    inputs: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    out: str | os.PathLike[str] | None = None,
    transcripts: str | os.PathLike[str] | None = None,
    only: str | Sequence[str] | None = None,
    jobs: int = 0,
    limit: int = 0,
    cache: str | os.PathLike[str] | None = None,
    options: Sequence[str] = (),
) -> Corpus:
    """Measures acoustic, textual and visual features of recordings; one utterance per cue, stretch
    of speech or row of a table of segments (docs/recordings.md).

    `inputs`: recordings, folders, patterns or tables of segments. `out`: folder of the corpus that
    is written; a temporary one by default. `only`: "audio", "text", "video" or several. `jobs`:
    recordings side by side, 0 = one per core. `limit`: at most so many recordings, 0 = all.
    `cache`: folder of finished vectors, "" keeps none. `options` are passed on to the program.

    Raises DataError when no recording can be read and TrainingUnavailable without the program.
    """
    given = [inputs] if isinstance(inputs, (str, os.PathLike)) else list(inputs)
    if not given:
        raise ConfigError("inputs: name recordings, folders, patterns or a table of segments")
    arguments: list[Any] = ["--quiet", "--jobs", str(jobs)]
    if transcripts is not None:
        arguments += ["--transcripts", transcripts]
    if only is not None:
        arguments += ["--only", only if isinstance(only, str) else ",".join(only)]
    if limit:
        arguments += ["--limit", str(limit)]
    if cache is not None:
        arguments += ["--media-cache", cache] if os.fspath(cache) else ["--no-media-cache"]
    if out is not None:
        command("extract", *given, "--out", out, *arguments, *options)
        return Corpus.load(out)
    with tempfile.TemporaryDirectory(prefix="hardy-extract-") as folder:
        place = os.path.join(folder, "corpus")
        command("extract", *given, "--out", place, *arguments, *options)
        return Corpus.load(place)
