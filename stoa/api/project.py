"""An open project with all its verbs."""

from __future__ import annotations

from stoa.api.catalogues import Catalogues
from stoa.api.data import Data
from stoa.api.definitions import Definitions
from stoa.api.desktop import Desktop
from stoa.api.looking import Looking
from stoa.api.reviewing import Reviewing
from stoa.api.running import Running
from stoa.api.services import Services
from stoa.api.sharing import Sharing
from stoa.workspace.past import as_it_was


class OpenProject(Data, Definitions, Running, Looking, Reviewing, Catalogues, Desktop, Services, Sharing):
    """A project: tables of what is known, and what can be done.

    Every method that changes something makes one commit, as its command does. Keywords have the names of the
    command line's options.
    """

    def at(self, when: str) -> OpenProject:
        """The project as it was at a commit, tag, branch or date (``2026-11-28T14:30``, UTC), to be looked at.

        Raises
        ------
        StoaError
            If there is no such commit, or it has no project.
        """
        return OpenProject(as_it_was(self.workspace, when))
