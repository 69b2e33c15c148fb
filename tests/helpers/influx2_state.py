"""What the double of an InfluxDB 2.9.1 knows: organisations, tokens and buckets, as the real one tells."""

import time
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

HOUR_S, DAY_S = 3_600, 86_400


class Answer(Exception):
    """An answer that ends the request: status, code and message, in the JSON of the v2 API."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


@dataclass(frozen=True)
class Token:
    """What a token may do in its organisation; an operator's sees all of them, and makes them."""

    org: str
    read: bool = True
    write: bool = True
    make: bool = True
    operator: bool = False


@dataclass
class Bucket:
    """A bucket: `described_s` is what the API tells of its retention, `retention_s` what is done."""

    org: str
    name: str
    described_s: int
    shard_s: int
    retention_s: int

    @property
    def id(self) -> str:
        return id_of(f"bucket {self.org} {self.name}")

    @property
    def database(self) -> str:
        """The database of the server behind that holds it: each bucket has its own."""
        return f"b{self.id}"

    def shown(self) -> dict[str, Any]:
        """Return the bucket as the API describes it."""
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        rules = {
            "type": "expire",
            "everySeconds": self.described_s,
            "shardGroupDurationSeconds": self.shard_s,
        }
        own = f"/api/v2/buckets/{self.id}"
        links = {name: f"{own}/{name}" for name in ("labels", "members", "owners")}
        org = id_of(self.org)
        links |= {"org": f"/api/v2/orgs/{org}", "self": own}
        links |= {"write": f"/api/v2/write?org={org}&bucket={self.id}"}
        return {
            "id": self.id,
            "orgID": org,
            "type": "user",
            "name": self.name,
            "retentionRules": [rules],
            "createdAt": now,
            "updatedAt": now,
            "links": links,
            "labels": [],
        }


@dataclass
class State:
    """Everything but the points."""

    orgs: list[str] = field(default_factory=list)
    tokens: dict[str, Token] = field(default_factory=dict)
    buckets: dict[tuple[str, str], Bucket] = field(default_factory=dict)

    def token(self, name: str, refusal: str = "unauthorized access") -> Token:
        """Return a token by the text that was sent. Raises Answer 401."""
        if name not in self.tokens:
            raise Answer(401, "unauthorized", refusal)
        return self.tokens[name]

    def org(self, named: str) -> str:
        """Return an organisation by its name or id. Raises Answer 404."""
        for org in self.orgs:
            if named in (org, id_of(org)):
                return org
        raise Answer(404, "not found", f'organization name "{named}" not found')

    def bucket(self, token: Token, org: str, named: str) -> Bucket:
        """Return a bucket by name or id, among those that a token sees. Raises Answer 404."""
        for bucket in self.seen(token, org):
            if named in (bucket.name, bucket.id):
                return bucket
        raise Answer(404, "not found", f'bucket "{named}" not found')

    def seen(self, token: Token, org: str) -> list[Bucket]:
        """Return the buckets of an organisation that a token may see."""
        mine = token.operator or token.org == org
        return [bucket for bucket in self.buckets.values() if mine and bucket.org == org]

    def make_bucket(self, org: str, name: str, rules: list[dict[str, Any]]) -> Bucket:
        """Make a bucket. Raises Answer 422 when it is there."""
        if (org, name) in self.buckets:
            raise Answer(422, "conflict", f"bucket with name {name} already exists")
        every = rules[0].get("everySeconds", 0) if rules else 0
        shard = 7 * DAY_S if not every or every >= 180 * DAY_S else DAY_S if every >= 2 * DAY_S else HOUR_S
        bucket = Bucket(org, name, 0, shard, 0)
        self.change_retention(bucket, rules)
        self.buckets[org, name] = bucket
        return bucket

    @staticmethod
    def change_retention(bucket: Bucket, rules: list[dict[str, Any]]) -> None:
        """Change a retention. No rule at all is for ever, but what the API tells of it stays as it was."""
        if not rules:
            bucket.retention_s = 0
            return
        every = rules[0].get("everySeconds", 0)
        shard = rules[0].get("shardGroupDurationSeconds", bucket.shard_s)
        if every and every < HOUR_S:
            raise Answer(500, "internal error", "retention policy duration must be at least 1h0m0s")
        if every and shard > every:
            raise Answer(
                422,
                "unprocessable entity",
                "shard-group duration must also be updated to be smaller than new retention duration",
            )
        bucket.retention_s = bucket.described_s = every
        bucket.shard_s = shard


def id_of(name: str) -> str:
    """Return the id of something, as long as the real ones."""
    return sha256(name.encode()).hexdigest()[:16]


def org_shown(name: str) -> dict[str, Any]:
    """Return an organisation as the API describes it."""
    own = f"/api/v2/orgs/{id_of(name)}"
    links = {each: f"/api/v2/{each}?org={name}" for each in ("buckets", "dashboards", "tasks")}
    links |= {each: f"{own}/{each}" for each in ("labels", "logs", "members", "owners", "secrets")}
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return {
        "links": links | {"self": own},
        "id": id_of(name),
        "name": name,
        "description": "",
        "createdAt": now,
        "updatedAt": now,
    }
