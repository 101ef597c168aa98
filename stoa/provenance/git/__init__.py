"""The one door to git: objects and references through dulwich, merging and network through git itself."""

from stoa.provenance.git.clone import clone
from stoa.provenance.git.content import Content, packed
from stoa.provenance.git.earlier import commit_named, commit_until, copy_at, time_of
from stoa.provenance.git.integrity import Damage, Remains, find_damage, missing_elsewhere
from stoa.provenance.git.merge import ConflictError, Guard
from stoa.provenance.git.network import without_secrets
from stoa.provenance.git.origin import importable_files, made_here
from stoa.provenance.git.plumbing import GitError, from_writable, git_version, writable
from stoa.provenance.git.reachable import every_version, unknown_here
from stoa.provenance.git.remote import RewrittenError, SyncReport, has_remote, remote_url, sync
from stoa.provenance.git.repository import Repository, last_ref
from stoa.provenance.git.setup import check_ready, find, init_durable, way_back
from stoa.provenance.git.snapshot import DamagedError, Snapshot, TooLargeError, too_large
from stoa.provenance.git.trees import (
    REMOVED,
    Commit,
    Removal,
    TreeChange,
    Written,
    added_in,
    commits,
    contains,
    holders,
    is_on_a_branch,
    last_change,
    removals,
    staged,
    tree_changes,
    uncommitted,
    work_tree_ids,
    written,
)

__all__ = [
    "REMOVED",
    "Commit",
    "ConflictError",
    "Content",
    "Damage",
    "DamagedError",
    "GitError",
    "Guard",
    "Remains",
    "Removal",
    "Repository",
    "RewrittenError",
    "Snapshot",
    "SyncReport",
    "TooLargeError",
    "TreeChange",
    "Written",
    "added_in",
    "check_ready",
    "clone",
    "commit_named",
    "commit_until",
    "commits",
    "contains",
    "copy_at",
    "every_version",
    "find",
    "find_damage",
    "from_writable",
    "git_version",
    "has_remote",
    "holders",
    "importable_files",
    "init_durable",
    "is_on_a_branch",
    "last_change",
    "last_ref",
    "made_here",
    "missing_elsewhere",
    "packed",
    "remote_url",
    "removals",
    "staged",
    "sync",
    "time_of",
    "too_large",
    "tree_changes",
    "uncommitted",
    "unknown_here",
    "way_back",
    "without_secrets",
    "work_tree_ids",
    "writable",
    "written",
]
