"""The container files, as far as they can be checked without a container engine."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from ui.settings import ServerSettings

FOLDER = Path(__file__).parents[1] / "ui" / "deploy"
BELEG = ("beleg-1", "beleg-2", "beleg-3")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((FOLDER / "compose.yaml").read_text("utf-8"))
    return loaded


def test_nginx_passes_on_to_the_processes_that_there_are(compose):
    configured = (FOLDER / "nginx.conf").read_text("utf-8")
    assert set(compose["services"]) == {"nginx", "postgres", *BELEG}
    assert all(f"server {name}:7860 " in configured for name in BELEG)
    assert set(compose["services"]["nginx"]["depends_on"]) == set(BELEG)
    address = compose["services"]["nginx"]["networks"]["inside"]["ipv4_address"]
    assert all(compose["services"][name]["environment"]["FORWARDED_ALLOW_IPS"] == address for name in BELEG)


def test_only_nginx_listens_outside_and_on_loopback(compose):
    published = {name: service["ports"] for name, service in compose["services"].items() if "ports" in service}
    assert published == {"nginx": ["127.0.0.1:8080:80"]}
    assert compose["networks"]["inside"]["internal"] is True
    assert compose["services"]["postgres"]["networks"] == ["inside"]


def test_every_root_is_read_only_and_nothing_gains_rights(compose):
    for service in compose["services"].values():
        assert service["read_only"] is True
        assert service["security_opt"] == ["no-new-privileges:true"]


def test_a_stop_is_waited_for_longer_than_it_takes(compose):
    for name in BELEG:
        service = compose["services"][name]
        assert int(service["stop_grace_period"].removesuffix("s")) > int(service["environment"]["BELEG_STOP_SECONDS"])
    assert ServerSettings().stop_seconds == 30


def test_no_secret_stands_in_a_file(compose):
    assert all(secret["file"].startswith("./secrets/") for secret in compose["secrets"].values())
    for service in compose["services"].values():
        named = (
            [name for name in service["environment"] if "PASSWORD" in name or "KEY" in name or "TOKEN" in name]
            if ("environment" in service)
            else []
        )
        assert all(name.endswith("_FILE") for name in named)
    image = (FOLDER / "Containerfile").read_text("utf-8")
    assert not any(word in image for word in ("BELEG_PASSWORD", "API_KEY", "COPY . "))


def test_the_image_runs_as_nobody_and_says_how_it_is():
    lines = (FOLDER / "Containerfile").read_text("utf-8").splitlines()
    assert [line for line in lines if line.startswith("USER")] == ["USER 10001:10001"]
    assert [line for line in lines if line.startswith("HEALTHCHECK")]
    assert all("was not run" in (FOLDER / name).read_text("utf-8") for name in ("Containerfile", "compose.yaml"))
