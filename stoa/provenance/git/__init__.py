"""The one door to git: objects and references through dulwich, merging and network through git itself."""

from stoa.provenance.git.clone import clone
from stoa.provenance.git.merge import ConflictError, Guard
from stoa.provenance.git.network import without_secrets
from stoa.provenance.git.plumbing import GitError, git_version
from stoa.provenance.git.remote import RewrittenError, SyncReport, remote_url, sync
from stoa.provenance.git.repository import Repository
from stoa.provenance.git.setup import check_ready, find, init_durable
from stoa.provenance.git.snapshot import Snapshot
from stoa.provenance.git.trees import TreeChange, blob_sizes, last_change, tree_changes, uncommitted

__all__ = [
    "ConflictError",
    "GitError",
    "Guard",
    "Repository",
    "RewrittenError",
    "Snapshot",
    "SyncReport",
    "TreeChange",
    "blob_sizes",
    "check_ready",
    "clone",
    "find",
    "git_version",
    "init_durable",
    "last_change",
    "remote_url",
    "sync",
    "tree_changes",
    "uncommitted",
    "without_secrets",
]
