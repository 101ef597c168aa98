"""The table of roles of a project."""

from __future__ import annotations

from stoa.meta.rules import ROLE_ORDER, RULES
from stoa.meta.table import BUILT_IN, RoleTable, extended
from stoa.project import Project
from stoa.provenance.library import shown
from stoa.provenance.roles import read_roles

ROLES = "roles.yaml"


def role_table(project: Project) -> RoleTable:
    """The built-in rules with those of the project's `roles.yaml`, if it has one.

    Raises
    ------
    DefinitionError
        If that file is wrong.
    """
    file = project.roles_file
    if not file.is_file():
        return BUILT_IN
    return extended(read_roles(project.read(file), shown(project, file), ROLE_ORDER, [rule.name for rule in RULES]))
