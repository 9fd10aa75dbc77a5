"""Which failures are the machine's: short of memory, of descriptors, or with a disk that fails.

They say nothing of the model that was open when they came, so none of them is ever final. A model
can provoke some; what it gains by that is a matter of `rules.validator.misses`.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator

EXHAUSTED = frozenset({errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.EIO, errno.ENOSPC})
ALLOCATOR_WORDS = (
    "can't allocate memory",
    "DefaultCPUAllocator",
    "not enough memory",
    "out of memory",
)
"""torch's allocators raise a RuntimeError; for the CPU only its words tell it from others."""


def is_machines(error: BaseException) -> bool:
    """Whether this failure, or one that led to it, is the machine's."""
    return any(_is_machines(each) for each in _led_by(error))


def _is_machines(error: BaseException) -> bool:
    match error:
        case MemoryError():
            return True
        case OSError():
            return error.errno in EXHAUSTED
        case RuntimeError():
            return any(words in str(error) for words in ALLOCATOR_WORDS)
    return False


def _led_by(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    each: BaseException | None = error
    while each is not None and id(each) not in seen:
        seen.add(id(each))
        yield each
        each = each.__cause__ or each.__context__
