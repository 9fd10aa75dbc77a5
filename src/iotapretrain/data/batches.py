"""From a seed to sequences: pages are drawn, fetched, packed, and compared by their digests.

Every page is packed for itself (docs/data.md): its losses can be compared whatever came with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import msgspec
import numpy as np
import numpy.typing as npt
import tokenizers

from iotapretrain.data.documents import Document, digest_of
from iotapretrain.data.page_cache import PageCache
from iotapretrain.data.source import Description, Source
from iotapretrain.data.tokenizer import Tokenizer, Tokens
from iotapretrain.errors import CorruptSourceError, InputError
from iotapretrain.net.threads import prefetched
from iotapretrain.rules.packing import pack, pad
from iotapretrain.rules.sampling import Page, Pages, Stream

PAGE_DOMAIN = "iotapretrain/page/1"
BATCH_DOMAIN = "iotapretrain/batch/1"

Counted = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class PageText:
    """A page and its documents; the digest covers their text alone, not where it came from."""

    page: Page
    documents: tuple[Document, ...]
    digest: str

    @property
    def texts(self) -> list[str]:
        """The documents that have any text; an empty one gives neither tokens nor an end token."""
        return [document.text for document in self.documents if document.text]

    @property
    def counts(self) -> dict[str, int]:
        """What happened to the documents, for the record."""
        return {
            "documents": len(self.documents),
            "characters": sum(len(document.text) for document in self.documents),
            "empty": sum(not document.text for document in self.documents),
            "repaired": sum(document.repaired for document in self.documents),
            "cut": sum(document.cut for document in self.documents),
        }


def draw(description: Description, seed: int, competition: int, task: str, page_rows: int) -> Pages:
    """Every page of a dataset in the order in which this task of this round takes them."""
    return description.pages(Stream.of(seed, "pages", competition, task), page_rows)


def read_page(source: Source, page: Page, cache: PageCache) -> PageText:
    """A page's text from the cache or its source; a `SourceError`, never other text."""
    revision = source.describe().revision
    name = f"page/1/{source.name}/{revision}/{page.config}/{page.start}/{page.rows}"
    kept = cache.get(name)
    if kept is not None:
        documents = msgspec.json.decode(kept, type=tuple[Document, ...])
    else:
        documents = tuple(source.fetch(page))
        cache.put(name, msgspec.json.encode(documents))
    return PageText(page, documents, page_digest(documents))


def page_digest(documents: tuple[Document, ...]) -> str:
    """What validators compare: BLAKE3 over the framed texts."""
    return digest_of(PAGE_DOMAIN, *(document.text for document in documents))


@dataclass(frozen=True)
class Packing:
    """How tokens become sequences."""

    sequence_length: int
    packed: bool = True
    """Documents follow each other, an end token after each. Otherwise each is padded to whole
    sequences, and padding does not count."""
    limit: int | None = None
    """Sequences kept, shared out over the pages: the first ones of each. None keeps all."""

    def __post_init__(self) -> None:
        if self.sequence_length < 2 or (self.limit is not None and self.limit < 1):
            raise InputError(
                f"{self}: want sequences of 2 tokens or more, and a limit of 1 or more"
            )


@dataclass(frozen=True, eq=False)
class PackedPage:
    """A page as sequences [sequence, position]; `counted`, if any, is false for padding."""

    page: Page
    digest: str
    counts: dict[str, int]
    sequences: Tokens
    counted: Counted | None


@dataclass(frozen=True, eq=False)
class Batch:
    """All that one task is scored on in one round."""

    source: str
    revision: str
    tokenizer: str
    packing: Packing
    pages: tuple[PackedPage, ...]

    @property
    def sequences(self) -> Tokens:
        return np.concatenate([page.sequences for page in self.pages])

    @property
    def counted(self) -> Counted | None:
        """False for the padding of unpacked sequences; None of packed ones: every token counts."""
        masks = [page.counted for page in self.pages if page.counted is not None]
        return np.concatenate(masks) if masks else None

    @property
    def digest(self) -> str:
        """BLAKE3 over tokenizer, packing, page digests and tokens, as docs/data.md specifies it."""
        parts: list[bytes | str] = [BATCH_DOMAIN, self.tokenizer, str(self.packing.sequence_length)]
        parts.append("packed" if self.packing.packed else "unpacked")
        for page in self.pages:
            parts += [page.digest, np.ascontiguousarray(page.sequences, dtype="<i4").tobytes()]
            if page.counted is not None:
                parts.append(np.packbits(page.counted).tobytes())
        return digest_of(*parts)


def make_batch(
    source: Source,
    pages: Sequence[Page],
    tokenizer: Tokenizer,
    packing: Packing,
    cache: PageCache,
) -> Batch:
    """Fetch and pack pages; each keeps an equal share of what is missing when its turn comes, so
    that a short page leaves its share to the later ones. No more pages are fetched than `limit`.

    Raises the `SourceError` of the first page that cannot be had: nothing takes its place.
    """
    wanted = pages[: packing.limit]
    revision = source.describe().revision
    made: list[PackedPage] = []
    kept, share = 0, packing.limit
    for text in prefetched(partial(read_page, source, cache=cache), wanted):
        if packing.limit is not None:
            share = -(-(packing.limit - kept) // (len(wanted) - len(made)))
        made.append(pack_page(text, tokenizer, packing, cache, share))
        kept += len(made[-1].sequences)
    if kept == 0:
        raise CorruptSourceError(
            source.name,
            f"{len(made)} pages hold no whole sequence of {packing.sequence_length} tokens;"
            " take more rows a page or shorter sequences",
        )
    return Batch(source.name, revision, tokenizer.digest, packing, tuple(made))


def pack_page(
    text: PageText,
    tokenizer: Tokenizer,
    packing: Packing,
    cache: PageCache,
    most: int | None = None,
) -> PackedPage:
    """The sequences of one page, up to so many."""
    tokens, offsets = page_tokens(text, tokenizer, cache)
    length, end = packing.sequence_length, tokenizer.end_id
    if packing.packed:
        sequences, counted = pack(tokens, offsets, length, end), None
    else:
        padded = pad(tokens, offsets, length, end)
        sequences, counted = padded.sequences, padded.counted[:most]
    return PackedPage(
        text.page,
        text.digest,
        text.counts | {"tokens": len(tokens)},
        sequences[:most].astype(np.int32, copy=False),
        counted,
    )


def page_tokens(
    text: PageText, tokenizer: Tokenizer, cache: PageCache
) -> tuple[Tokens, npt.NDArray[np.int64]]:
    """A page's token ids and document offsets; tokenised once per tokenizer."""
    name = f"tokens/1/{text.digest}/{tokenizer.digest}/{tokenizers.__version__}"
    kept = cache.get(name)
    if kept is not None:
        documents = int.from_bytes(kept[:8], "little")
        offsets = np.frombuffer(kept, dtype="<i8", count=documents + 1, offset=8)
        return np.frombuffer(kept, dtype="<i4", offset=8 + offsets.nbytes), offsets
    tokens, offsets = tokenizer.encode_flat(text.texts)
    header = (len(offsets) - 1).to_bytes(8, "little")
    cache.put(name, header + offsets.astype("<i8").tobytes() + tokens.astype("<i4").tobytes())
    return tokens, offsets
