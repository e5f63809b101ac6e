"""Configuration files as people make them, good and bad ones, for Hypothesis."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TypeVar

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from hypothesis import strategies as st
from passlib.context import CryptContext  # type: ignore[import-untyped]

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey

T = TypeVar("T")

DOMAIN, USER, PASSWORD = "localhost", "alice", "secret"

KEYS: dict[str, Callable[[], Key]] = {
    "P-256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "P-384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "P-521": lambda: ec.generate_private_key(ec.SECP521R1()),
    "secp256k1": lambda: ec.generate_private_key(ec.SECP256K1()),
    "RSA 1024": lambda: rsa.generate_private_key(65537, 1024),  # noqa: S505 - to be refused
    "RSA 2048": lambda: rsa.generate_private_key(65537, 2048),
    "RSA 3072": lambda: rsa.generate_private_key(65537, 3072),
    "Ed25519": ed25519.Ed25519PrivateKey.generate,
}
SCHEMES = ("bcrypt", "apr_md5_crypt", "md5_crypt", "sha256_crypt", "sha512_crypt", "ldap_sha1",
           "ldap_salted_sha1", "des_crypt", "plaintext")  # fmt: skip
_HASHES = CryptContext(
    SCHEMES, bcrypt__rounds=5, sha256_crypt__rounds=1000, sha512_crypt__rounds=1000
)

BLANKS = [" ", "\t", "  ", "\u00a0", "\u2003", "\x0b", "\x0c", "\x1f", "\u200b", ""]
#: What editors, terminals, mail programs and other systems do to a file, by a name each.
DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "CRLF": lambda text: text.replace(b"\n", b"\r\n"),
    "CR": lambda text: text.replace(b"\n", b"\r"),
    "byte order mark": lambda text: b"\xef\xbb\xbf" + text,
    "UTF-16": lambda text: text.decode("latin-1").encode("utf-16"),
    "indented": lambda text: b"    " + text.replace(b"\n", b"\n    "),
    "first line indented": lambda text: b" " + text,
    "blank at each end": lambda text: text.replace(b"\n", b" \n"),
    "no last line end": lambda text: text.rstrip(b"\n"),
    "empty lines": lambda text: text.replace(b"\n", b"\n\n"),
    "text before it": lambda text: b"subject=CN = localhost\n" + text,
    "blocks joined": lambda text: text.replace(b"-----\n-----", b"----------"),
    "a dash less": lambda text: text.removeprefix(b"-"),
    "cut off": lambda text: text[:-30],
    "one line": lambda text: text.replace(b"\n", b""),
    "body in one line": lambda text: text.replace(b"\n", b"").replace(b"-----M", b"-----\nM")
    .replace(b"-----END", b"\n-----END").replace(b"-----B", b"\n-----B"),
    "a NUL": lambda text: text.replace(b"\n", b"\0\n", 1),
    "EC label": lambda text: text.replace(b" PRIVATE", b" EC PRIVATE"),
    "TRUSTED label": lambda text: text.replace(b" CERTIFICATE", b" TRUSTED CERTIFICATE"),
    "twice": lambda text: text + text,
}  # fmt: skip


@cache
def key(kind: str, _number: int = 0) -> Key:
    """Return a key of a kind, the same for the same number."""
    return KEYS[kind]()


@cache
def hashed(scheme: str) -> str:
    """Return the hash of the password by a scheme."""
    return str(_HASHES.handler(scheme).hash(PASSWORD))


def issue(
    name: str, own: Key, issuer: tuple[str, Key] | None, *, ca: bool, use: x509.ObjectIdentifier
) -> bytes:
    """Return a certificate in PEM, signed by itself unless there is an issuer."""
    by, signer = issuer or (name, own)
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, by)]))
        .public_key(own.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([use]), critical=False)
    )
    if not ca:
        names = x509.SubjectAlternativeName([x509.DNSName(DOMAIN)])
        builder = builder.add_extension(names, critical=False)
    digest = None if isinstance(signer, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return builder.sign(signer, digest).public_bytes(Encoding.PEM)


def _mostly(good: Sequence[T], bad: Sequence[T]) -> st.SearchStrategy[T]:
    """Draw one of the second list each tenth time: a folder is good only if all in it is."""
    return st.sampled_from([*list(good) * 9 * len(bad), *list(bad) * len(good)])


@st.composite
def certificates(draw: st.DrawFn) -> dict[str, bytes]:
    """Draw a certificate with its chain, its key, and what clients trust (``ca``)."""
    own = key(draw(_mostly(["P-256", "P-384", "P-521", "RSA 2048", "RSA 3072"], sorted(KEYS))))
    signer = key(draw(_mostly(["P-256", "RSA 2048", "P-384", "Ed25519"], ["secp256k1"])), 1)
    use = draw(_mostly([ExtendedKeyUsageOID.SERVER_AUTH], [ExtendedKeyUsageOID.CLIENT_AUTH]))
    chain = [issue(DOMAIN, own, None, ca=False, use=use)]
    trusted = chain[0]
    if draw(st.booleans()):
        servers = ExtendedKeyUsageOID.SERVER_AUTH
        may_issue = draw(_mostly([True], [False]))
        root = key("P-256", 2)
        chain = [
            issue(DOMAIN, own, ("Middle", signer), ca=False, use=use),
            issue("Middle", signer, ("Root", root), ca=may_issue, use=servers),
            issue("Root", root, None, ca=True, use=servers),
        ]
        trusted = chain[-1]
        other = issue("Middle", key("P-256", 3), ("Root", root), ca=True, use=servers)
        wrong = [[chain[0], other], chain[::-1], [*chain, other]]
        chain = draw(_mostly([chain, chain[:2]], wrong))
    form = draw(st.sampled_from([PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL]))
    if isinstance(own, ed25519.Ed25519PrivateKey):
        form = PrivateFormat.PKCS8
    return {
        "domain.crt": b"".join(chain),
        "domain.key": own.private_bytes(Encoding.PEM, form, NoEncryption()),
        "ca": trusted,
    }


@st.composite
def users(draw: st.DrawFn) -> bytes:
    """Draw a users file in which USER has PASSWORD."""
    line = f"{USER}:{hashed(draw(_mostly(SCHEMES[:-2], SCHEMES[-2:])))}"
    line += draw(_mostly(["", ":", ":Alice Real:a@x:g1"], [" ", "\t", "\u00a0"]))
    bob = f"bob:{hashed('bcrypt')}"
    others = _mostly(["", "# people", bob, "#alice:x"], [bob.replace("bob", "*"), ":x"])
    lines = [*draw(st.lists(others, max_size=2, unique=True)), line]
    return "".join(f"{line}\n" for line in draw(st.permutations(lines))).encode()


@st.composite
def permissions(draw: st.DrawFn) -> bytes:
    """Draw a permissions file that is about USER or about everybody."""
    blank = _mostly([" ", "  ", "\t"], BLANKS)
    lines = draw(
        st.lists(
            st.builds(
                lambda start, user, first, right, second, repositories, end: (
                    f"{start}{user}{first}{right}{second}{repositories}{end}"
                ),
                _mostly(["", " ", "\t", "#"], ["\u00a0"]),
                st.sampled_from([USER, "*"]),
                blank,
                _mostly(["pull", "push", "delete"], ["write"]),
                blank,
                _mostly(["*", "team/*", "team/a"], ["Team", "team/"]),
                _mostly(["", " ", "\t", "\r"], ["\u00a0", " # all"]),
            ),
            min_size=1,
            max_size=3,
        )
    )
    return "\n".join([*lines, ""]).encode()


@st.composite
def folders(draw: st.DrawFn) -> dict[str, bytes]:
    """Draw a folder of files: good ones, of which one may be damaged, and ``ca`` for clients."""
    files = {"nginx.htpasswd": draw(users()), **draw(certificates())}
    if draw(st.booleans()):
        files["nginx.permissions"] = draw(permissions())
    if draw(st.integers(0, 2)) == 2:
        name = draw(st.sampled_from(sorted(files.keys() - {"ca"})))
        files[name] = DAMAGES[draw(st.sampled_from(sorted(DAMAGES)))](files[name])
    return files
