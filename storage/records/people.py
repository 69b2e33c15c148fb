"""People and their roles. Callers bring the transaction."""

from collections.abc import Collection, Iterable, Sequence

from sqlalchemy import ForeignKey, String, delete, func, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from fleet.errors import Conflict, NotFound
from fleet.grants import Role, Sites
from fleet.people import Person, RoleAt, Scope
from fleet.text import quoted
from storage.records.base import Base, Number
from storage.records.identities import IdentityRow, bound_among
from storage.records.parts import parts_of
from storage.records.second_factors import confirmed_among
from storage.records.sites import sites_in


class PersonRow(Base):
    """Somebody who may sign in (fleet.people.Person)."""

    __tablename__ = "person"

    id: Mapped[int] = mapped_column(Number, primary_key=True)
    email: Mapped[str] = mapped_column(String(254), unique=True)
    name: Mapped[str] = mapped_column(String(64))
    password_hash: Mapped[str | None] = mapped_column(String(255))
    created_at: Mapped[int]
    disabled_at: Mapped[int | None]


class RoleRow(Base):
    """A role of a person, everywhere or at one place."""

    __tablename__ = "person_role"

    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), primary_key=True)
    role: Mapped[str] = mapped_column(String(16), primary_key=True)
    scope: Mapped[str] = mapped_column(String(8), primary_key=True)
    place: Mapped[str] = mapped_column(String(64), primary_key=True)


def add_person(session: Session, email: str, name: str, now: int, roles: Iterable[RoleAt]) -> Person:
    """Add somebody without a password. Raises Conflict where the address is taken."""
    if person_by_email(session, email) is not None:
        raise Conflict(f"there is a person with the address {quoted(email)} already")
    row = PersonRow(email=email, name=name, created_at=now)
    session.add(row)
    try:
        session.flush()
    except IntegrityError as error:  # another request was first
        raise Conflict(f"there is a person with the address {quoted(email)} already") from error
    set_roles(session, row.id, roles)
    return person_of(session, row.id)


def set_roles(session: Session, person_id: int, roles: Iterable[RoleAt]) -> None:
    """Give somebody these roles in place of those they had."""
    session.execute(delete(RoleRow).where(RoleRow.person_id == person_id))
    for each in dict.fromkeys(roles):
        session.add(RoleRow(person_id=person_id, role=each.role, scope=each.scope, place=each.place))
    session.flush()


def set_password_hash(session: Session, person_id: int, password_hash: str | None) -> None:
    """Keep the hash of a new password; None: there is none any more."""
    _row(session, person_id).password_hash = password_hash


def disable(session: Session, person_id: int, now: int | None) -> None:
    """Let somebody sign in no more, from `now` on; None lets them again."""
    _row(session, person_id).disabled_at = now


def person_of(session: Session, person_id: int) -> Person:
    """Return one person. Raises NotFound."""
    return _people(session, [_row(session, person_id)])[0]


def person_by_email(session: Session, email: str) -> Person | None:
    """Return whoever has an address (in lower case)."""
    row = session.scalar(select(PersonRow).where(PersonRow.email == email))
    return None if row is None else _people(session, [row])[0]


def password_hash_of(session: Session, person_id: int) -> str | None:
    """Return the hash of somebody's password, None where they have none."""
    return _row(session, person_id).password_hash


def people(session: Session) -> Sequence[Person]:
    """Return everybody, by name."""
    return _people(session, session.scalars(select(PersonRow).order_by(PersonRow.name, PersonRow.id)).all())


def names_of(session: Session, ids: Collection[int]) -> dict[int, str]:
    """Return the names of these people, by id."""
    found = session.execute(select(PersonRow.id, PersonRow.name).where(PersonRow.id.in_(ids)))
    return {number: name for number, name in found}  # noqa: C416 - typed rows


def people_by_email(session: Session, emails: Iterable[str]) -> dict[str, Person]:
    """Return whoever has one of these addresses, by address; those who may not sign in included."""
    found: dict[str, Person] = {}
    for part in parts_of(sorted(set(emails))):
        rows = session.scalars(select(PersonRow).where(PersonRow.email.in_(part))).all()
        found |= {each.email: each for each in _people(session, rows)}
    return found


def able_by_email(session: Session, emails: Iterable[str]) -> dict[str, Person]:
    """Return whoever of these addresses may sign in, by address."""
    found = people_by_email(session, emails)
    return {email: each for email, each in found.items() if each.disabled_at is None}


def able_with_role(session: Session, role: Role) -> Sequence[Person]:
    """Return whoever may sign in and has a role, somewhere or everywhere, by id."""
    wanted = (
        select(PersonRow)
        .where(PersonRow.disabled_at.is_(None))
        .where(PersonRow.id.in_(select(RoleRow.person_id).where(RoleRow.role == role)))
        .order_by(PersonRow.id)
    )
    return _people(session, session.scalars(wanted).all())


def count_admins(session: Session, besides: int | None = None, *, able: bool = False) -> int:
    """Count who may administer everywhere, `besides` one person; `able`: only who can sign in by now."""
    wanted = (
        select(func.count(PersonRow.id.distinct()))
        .join(RoleRow, RoleRow.person_id == PersonRow.id)
        .where(PersonRow.disabled_at.is_(None), RoleRow.role == Role.ADMIN, RoleRow.scope == Scope.ALL)
    )
    if besides is not None:
        wanted = wanted.where(PersonRow.id != besides)
    if able:
        accounts = select(IdentityRow.person_id)
        wanted = wanted.where(or_(PersonRow.password_hash.is_not(None), PersonRow.id.in_(accounts)))
    return session.scalar(wanted) or 0


def _row(session: Session, person_id: int) -> PersonRow:
    row = session.get(PersonRow, person_id)
    if row is None:
        raise NotFound(f"there is no person {person_id}")
    return row


def _people(session: Session, rows: Sequence[PersonRow]) -> list[Person]:
    roles: dict[int, list[RoleAt]] = {row.id: [] for row in rows}
    wanted = select(RoleRow).where(RoleRow.person_id.in_(roles)).order_by(RoleRow.role, RoleRow.place)
    for role in session.scalars(wanted):
        roles[role.person_id].append(RoleAt(Role(role.role), Scope(role.scope), role.place))
    regions = {each.place for given in roles.values() for each in given if each.scope is Scope.REGION}
    inside = sites_in(session, regions)
    confirmed, bound = confirmed_among(session, roles), bound_among(session, roles)
    return [
        Person(
            row.id,
            row.email,
            row.name,
            row.created_at,
            row.disabled_at,
            row.password_hash is not None,
            tuple(roles[row.id]),
            tuple((each.role, _reached(each, inside)) for each in roles[row.id]),
            row.id in confirmed,
            row.id in bound,
        )
        for row in rows
    ]


def _reached(role: RoleAt, inside: dict[str, frozenset[str]]) -> Sites:
    if role.scope is Scope.ALL:
        return None
    return frozenset({role.place}) if role.scope is Scope.SITE else inside.get(role.place, frozenset())
