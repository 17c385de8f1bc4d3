"""What is in the program: the packages that the linker took code from, as an SPDX document."""

import glob
import os
import re
import subprocess
import urllib.parse
import uuid

# By source package. A package that is not here is new in the program: look, then add it.
LICENSES = {
    "curl": "curl",
    "gcc-12": "GPL-3.0-or-later WITH GCC-exception-3.1",
    "gcc-12-cross": "GPL-3.0-or-later WITH GCC-exception-3.1",
    "glibc": "LGPL-2.1-or-later",
    "json-c": "MIT",
    "libev": "BSD-2-Clause OR GPL-2.0-or-later",
    "libmicrohttpd": "LGPL-2.1-or-later",
    "libyaml": "MIT",
    "nghttp2": "MIT",
    "openssl": "Apache-2.0",
    "zlib": "Zlib",
}


def linked_files(link_map):
    """The archives and start files that a linker map says code was taken from, but for the
    program's own, which lie beside the map."""
    own = os.path.dirname(os.path.realpath(link_map)) + "/"
    with open(link_map, encoding="utf-8") as text:
        content = text.read()
    members = re.findall(r"^(\S+\.a)\(\S+\)", content, re.M)
    starts = re.findall(r"^LOAD (/\S+\.o)$", content, re.M)
    paths = {os.path.realpath(path) for path in members + starts}
    return sorted(path for path in paths if not path.startswith(own))


def compiler_package(path):
    """The source package and version of a file that the machine's compiler brought, and its
    copyright file."""
    owner = subprocess.run(["dpkg-query", "--search", path], check=True, text=True,
                           stdout=subprocess.PIPE).stdout.rsplit(": ", 1)[0]
    package, source, version = subprocess.run(
        ["dpkg-query", "--show", "--showformat",
         "${Package} ${source:Package} ${source:Version}", owner],
        check=True, text=True, stdout=subprocess.PIPE).stdout.split()
    return source, version, f"/usr/share/doc/{package}/copyright"


def sysroot_packages(sysroot):
    """{file: (source package, version, copyright file)} of what is unpacked there."""
    found = {}
    for listing in glob.glob(os.path.join(sysroot, "packages", "*.files")):
        name = os.path.basename(listing).removesuffix(".files")
        with open(listing.removesuffix(".files") + ".source", encoding="utf-8") as text:
            source, version = text.read().split()
        about = (source, version, os.path.join(sysroot, "usr/share/doc", name, "copyright"))
        with open(listing, encoding="utf-8") as text:
            found.update((path.strip().removeprefix("./"), about) for path in text)
    return found


def components(files, sysroot):
    """{source package: (version, copyright file)} of these files."""
    known = sysroot_packages(sysroot)
    found = {}
    for path in files:
        inside = os.path.relpath(path, os.path.realpath(sysroot))
        source, version, copyright_file = \
            compiler_package(path) if inside.startswith("../") else known[inside]
        found[source] = (version, copyright_file)
    return dict(sorted(found.items()))


def package_of(name, version):
    return {
        "SPDXID": f"SPDXRef-{name}", "name": name, "versionInfo": version,
        "supplier": "Organization: Debian", "filesAnalyzed": False,
        "downloadLocation": f"https://tracker.debian.org/pkg/{name}",
        "licenseConcluded": "NOASSERTION", "licenseDeclared": LICENSES[name],
        "copyrightText": "NOASSERTION",
        "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl",
                          "referenceLocator":
                              f"pkg:deb/debian/{name}@{urllib.parse.quote(version)}?arch=source"}],
    }


def document(found, arch, version, digest, created):
    """The SPDX 2.3 document of the image with this manifest digest."""
    program = {
        "SPDXID": "SPDXRef-yurt-steward", "name": "yurt-steward", "versionInfo": version,
        "supplier": "NOASSERTION", "filesAnalyzed": False, "downloadLocation": "NOASSERTION",
        "licenseConcluded": "NOASSERTION", "licenseDeclared": "Apache-2.0",
        "copyrightText": "NOASSERTION", "primaryPackagePurpose": "CONTAINER",
        "checksums": [{"algorithm": "SHA256", "checksumValue": digest.removeprefix("sha256:")}],
    }
    packages = [package_of(name, found[name][0]) for name in found]
    return {
        "spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT",
        "name": f"yurt-steward {version} linux/{arch}",
        "documentNamespace": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, digest)}",
        "creationInfo": {"created": created, "creators": ["Tool: yurt-steward-hack-image"]},
        "packages": [program] + packages,
        "relationships": [{"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES",
                           "relatedSpdxElement": program["SPDXID"]}] +
                         [{"spdxElementId": program["SPDXID"], "relationshipType": "STATIC_LINK",
                           "relatedSpdxElement": package["SPDXID"]} for package in packages],
    }
