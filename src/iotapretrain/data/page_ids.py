"""From a seed to pages: drawn by `rules.sampling`, fetched from a source, with their digests."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from iotapretrain.data.documents import Document, digest_of
from iotapretrain.data.page_cache import PageCache
from iotapretrain.data.source import Description, Source
from iotapretrain.rules.sampling import Page, Pages, Stream

PAGE_DOMAIN = "iotapretrain/page/1"


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
