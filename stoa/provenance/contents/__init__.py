"""A store of products by content: each is one object, named by its SHA-256, in a folder, on an sftp server or in S3."""

from stoa.provenance.contents.folder import FolderPlace
from stoa.provenance.contents.opened import open_place
from stoa.provenance.contents.place import ContentError, Entry, Item, Place

__all__ = ["ContentError", "Entry", "FolderPlace", "Item", "Place", "open_place"]
