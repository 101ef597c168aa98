"""An open project with all its verbs."""

from __future__ import annotations

from stoa.api.catalogues import Catalogues
from stoa.api.data import Data
from stoa.api.definitions import Definitions
from stoa.api.desktop import Desktop
from stoa.api.looking import Looking
from stoa.api.pictures import Pictures
from stoa.api.reviewing import Reviewing
from stoa.api.running import Running
from stoa.api.services import Services
from stoa.api.sharing import Sharing
from stoa.commands.status import status
from stoa.errors import StoaError
from stoa.show.notebook import fragment, html_of, paragraphs
from stoa.workspace.past import as_it_was


class OpenProject(Data, Definitions, Running, Looking, Reviewing, Catalogues, Desktop, Services, Sharing, Pictures):
    """A project: tables of what is known, and what can be done.

    Every method that changes something makes one commit, as its command does. Keywords have the names of the
    command line's options.
    """

    def _repr_html_(self) -> str:
        """The state of the project, as `status` gives it; what keeps it from being read, where something does."""
        try:
            return html_of(status(self.workspace, every_target=False))
        except StoaError as problem:
            return fragment([paragraphs([repr(self), str(problem)])])

    def at(self, when: str) -> OpenProject:
        """The project as it was at a commit, tag, branch or date (``2026-11-28T14:30``, UTC), to be looked at.

        Raises
        ------
        StoaError
            If there is no such commit, or it has no project.
        """
        return OpenProject(as_it_was(self.workspace, when))
