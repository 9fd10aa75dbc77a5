"""Hugging Face, or any server that speaks its protocol, through `huggingface_hub` and its login.

Downloads are plain ranged HTTP: only so can we resume, count and verify every byte ourselves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TypeVar

import httpx2
import msgspec
from huggingface_hub import (
    CommitOperationAdd,
    CommitOperationDelete,
    HfApi,
    ModelInfo,
    get_session,
    hf_hub_url,
    hf_raise_for_status,
)
from huggingface_hub.errors import (
    DisabledRepoError,
    HfHubHTTPError,
    OfflineModeIsEnabled,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.utils import (  # type: ignore[attr-defined] # these are exported lazily
    build_hf_headers,
    parse_ratelimit_headers,
)

from iotapretrain.errors import (
    HubError,
    HubRightsError,
    MissingModelError,
    RefusedModelError,
    UnavailableHubError,
)
from iotapretrain.hub.model_files import ModelFolder, check_additions
from iotapretrain.hub.protocol import (
    MAIN,
    MOST_ENTRIES,
    Commit,
    FileEntry,
    Listing,
    RepositoryId,
    Visibility,
)
from iotapretrain.net.retry import Patience, retry_after

CONNECT_SECONDS = 10.0
SILENCE_SECONDS = 60.0
"""Longest wait for the next byte of an answer; a server may think 40 s about a large commit."""
PUBLISH_SECONDS = 6 * 3600.0
"""After so long an upload that fails is not begun anew; what arrived is not sent again."""
LARGEST_PAGE = 16 << 20

_Result = TypeVar("_Result")
_Operations = list[CommitOperationAdd | CommitOperationDelete]
_TIMEOUT = httpx2.Timeout(SILENCE_SECONDS, connect=CONNECT_SECONDS)
_BUSY = frozenset({408, 409, 412, 425, 429, 500, 502, 503, 504})
_KEPT_BY_THE_HUB = ".gitattributes"


class _Lfs(msgspec.Struct):
    oid: str
    size: int


class _TreeItem(msgspec.Struct):
    type: str
    path: str
    oid: str
    size: int = 0
    lfs: _Lfs | None = None

    def entry(self) -> FileEntry:
        if self.lfs is not None:
            return FileEntry(self.path, self.lfs.size, sha256=self.lfs.oid)
        return FileEntry(self.path, self.size, git_blob=self.oid)


class HuggingFaceHub:
    """Model repositories at `endpoint`; without it and `token` those that the library knows."""

    def __init__(
        self,
        endpoint: str | None = None,
        patience: Patience | None = None,
        token: str | None = None,
    ) -> None:
        self._api = HfApi(endpoint=endpoint.rstrip("/") if endpoint else None, token=token)
        self._patience = patience or Patience()

    @property
    def name(self) -> str:
        return str(self._api.endpoint)

    def publish(self, folder: ModelFolder, repository: RepositoryId, message: str) -> Commit:
        def change(head: Commit) -> _Operations:
            gone = {entry.path for entry in self._listing(head).files} - set(folder.files)
            return [
                *(CommitOperationDelete(path) for path in sorted(gone - {_KEPT_BY_THE_HUB})),
                *(CommitOperationAdd(path, folder.files[path]) for path in folder.files),
            ]

        return self._commit(repository, change, message)

    def add(self, files: Mapping[str, bytes], repository: RepositoryId, message: str) -> Commit:
        check_additions(files)

        def change(_head: Commit) -> _Operations:
            return [CommitOperationAdd(path, content) for path, content in files.items()]

        return self._commit(repository, change, message)

    def visibility(self, repository: RepositoryId) -> Visibility:
        info = self._patiently(str(repository), lambda: self._info(repository))
        return "private" if info.private else "public"

    def set_visibility(self, repository: RepositoryId, visibility: Visibility) -> None:
        self._patiently(
            f"making {repository} {visibility}",
            lambda: self._api.update_repo_settings(str(repository), visibility=visibility),
        )

    def resolve(self, repository: RepositoryId, revision: str = MAIN) -> Commit:
        return self._patiently(
            f"{repository}, revision {revision!r}", lambda: self._resolve(repository, revision)
        )

    def listing(self, commit: Commit) -> Listing:
        return self._patiently(f"listing {commit}", lambda: self._listing(commit))

    @contextmanager
    def read(self, commit: Commit, entry: FileEntry, start: int = 0) -> Iterator[Iterator[bytes]]:
        headers = {"Accept-Encoding": "identity", "Range": f"bytes={start}-"}
        url = hf_hub_url(
            str(commit.repository), entry.path, revision=commit.id, endpoint=self._api.endpoint
        )
        with _http_errors(f"{commit}: {entry.path!r}"), self._get(url, headers) as response:
            skip = 0 if response.status_code == httpx2.codes.PARTIAL_CONTENT else start
            yield _without_first(skip, response.iter_raw())

    def delete(self, repository: RepositoryId) -> None:
        self._patiently(f"deleting {repository}", lambda: self._api.delete_repo(str(repository)))

    def _commit(
        self, repository: RepositoryId, change: Callable[[Commit], _Operations], message: str
    ) -> Commit:
        """Put a change onto the newest commit; onto the next one if somebody was faster."""

        def attempt() -> Commit:
            head = self._head_or_new(repository)
            info = self._api.create_commit(
                str(repository), change(head), commit_message=message, parent_commit=head.id
            )
            return Commit(repository, info.oid)

        return self._patiently(f"publishing {repository}", attempt, PUBLISH_SECONDS)

    def _info(self, repository: RepositoryId, revision: str | None = None) -> ModelInfo:
        return self._api.model_info(str(repository), revision=revision, timeout=SILENCE_SECONDS)

    def _resolve(self, repository: RepositoryId, revision: str) -> Commit:
        return Commit(repository, self._info(repository, revision).sha or "")

    def _head_or_new(self, repository: RepositoryId) -> Commit:
        try:
            return self._resolve(repository, MAIN)
        except RepositoryNotFoundError:
            self._api.create_repo(str(repository), private=True)
            return self._resolve(repository, MAIN)

    def _listing(self, commit: Commit) -> Listing:
        """Page by page, so that no listing is too large for us: it is refused while it arrives."""
        url = f"{self._api.endpoint}/api/models/{commit.repository}/tree/{commit.id}?recursive=true"
        entries: list[FileEntry] = []
        while url and len(entries) <= MOST_ENTRIES:
            with self._get(url, {}) as response:
                page = msgspec.json.decode(_body(response, commit), type=list[_TreeItem])
                url = response.links.get("next", {}).get("url", "")
            try:
                entries += [item.entry() for item in page if item.type == "file"]
            except RefusedModelError as error:
                raise RefusedModelError(f"{commit}: {error}") from error
        return Listing(commit, tuple(entries))

    @contextmanager
    def _get(self, url: str, headers: dict[str, str]) -> Iterator[httpx2.Response]:
        with get_session().stream(
            "GET",
            url,
            headers={**build_hf_headers(token=self._api.token), **headers},
            timeout=_TIMEOUT,
        ) as response:
            hf_raise_for_status(response)
            yield response

    def _patiently(
        self, task: str, call: Callable[[], _Result], seconds: float | None = None
    ) -> _Result:
        def attempt() -> _Result:
            _bound_silence()
            with _errors(f"{task} on {self.name}"):
                return call()

        return self._patience.keep_trying(attempt, self._patience.deadline(seconds))


@contextmanager
def _http_errors(task: str) -> Iterator[None]:
    """Say in our words what the hub did not do."""
    try:
        yield
    except (HfHubHTTPError, httpx2.RequestError, httpx2.StreamError) as error:
        raise _in_our_words(task, error) from error


@contextmanager
def _errors(task: str) -> Iterator[None]:
    """Say in our words what the library, or the hub behind it, could not do."""
    try:
        with _http_errors(task):
            yield
    except RuntimeError as error:
        # Uploads wrap what went wrong in one of these; Xet raises it bare.
        if isinstance(error.__cause__, (HfHubHTTPError, httpx2.RequestError)):
            raise _in_our_words(task, error.__cause__) from error
        raise HubError(f"{task}: {error}") from error
    except OfflineModeIsEnabled as error:
        raise HubError(f"{task}: HF_HUB_OFFLINE forbids every request; unset it") from error
    except (ConnectionError, TimeoutError) as error:
        hint = "HF_HUB_DISABLE_XET=1 does without Xet"
        raise UnavailableHubError(f"{task}: {error}; {hint}") from error
    except OSError as error:
        if error.filename is not None:
            raise HubError(f"{task}: {error.filename}: {error.strerror}") from error
        raise HubRightsError(f"{task}: {error}; log in first") from error
    except (msgspec.DecodeError, KeyError, ValueError) as error:
        raise HubError(f"{task}: no answer that a hub gives: {error}") from error


def _bound_silence() -> None:
    """The library's client waits for ever unless told otherwise; a user's own choice is kept."""
    session = get_session()
    if session.timeout == httpx2.Timeout(None):
        session.timeout = _TIMEOUT


def _without_first(skip: int, pieces: Iterator[bytes]) -> Iterator[bytes]:
    """What follows the first `skip` bytes: a server may send all when asked for the end."""
    for piece in pieces:
        if skip < len(piece):
            yield piece[skip:]
        skip = max(0, skip - len(piece))


def _body(response: httpx2.Response, commit: Commit) -> bytes:
    body = bytearray()
    for piece in response.iter_bytes():
        body += piece
        if len(body) > LARGEST_PAGE:
            raise RefusedModelError(f"{commit}: a page of its listing exceeds {LARGEST_PAGE} bytes")
    return bytes(body)


def _in_our_words(
    task: str, error: HfHubHTTPError | httpx2.RequestError | httpx2.StreamError
) -> HubError:
    if isinstance(error, (RepositoryNotFoundError, DisabledRepoError)):
        return MissingModelError(f"{task}: no such repository, or it is not open to this login")
    if isinstance(error, (RevisionNotFoundError, RemoteEntryNotFoundError)):
        return MissingModelError(f"{task}: not there")
    if not isinstance(error, HfHubHTTPError):
        return UnavailableHubError(f"{task}: {error or type(error).__name__}")
    status = error.response.status_code
    if status in _BUSY:
        return UnavailableHubError(f"{task}: answer {status}", _wait_asked_for(error.response))
    if status in (httpx2.codes.UNAUTHORIZED, httpx2.codes.FORBIDDEN):
        return HubRightsError(
            f"{task}: this login may not ({status}); set HF_TOKEN or run `hf auth login`"
        )
    return HubError(f"{task}: answer {status}: {error.server_message or 'no reason given'}")


def _wait_asked_for(response: httpx2.Response) -> float | None:
    limit = parse_ratelimit_headers(response.headers)
    if limit is not None and limit.remaining == 0:
        return float(limit.reset_in_seconds)
    return retry_after(response.headers.get("Retry-After"))
