"""What changes in the configuration while the program runs on."""

from pathlib import Path

import pytest

from tests.e2e.running import running
from tests.e2e.world import World

pytestmark = [pytest.mark.cluster, pytest.mark.registry]


def write(file: Path, text: str) -> None:
    """Replace a file as a mounted ConfigMap is: from one moment to the next."""
    new = file.with_suffix(".new")
    new.write_text(text)
    new.replace(file)


def test_settings_that_change_are_taken_up_and_wrong_ones_are_told_and_left(
    world: World, tmp_path: Path
) -> None:
    file, template = tmp_path / "config.yaml", tmp_path / "message.j2"
    template.write_text("one: {{ changes | length }}\n")
    write(file, "update: false\n")
    with running(world, "--config", str(file), interval="1h") as process:
        process.until_said("cycle.finished", result="ok")
        assert process.ask("/readyz") == "ok\n"
        world.push("v4")

        write(file, "updated: true\n")
        process.until_said("config.refused")
        write(file, f"git-commit-template: {tmp_path / 'missing.j2'}\n")
        process.until_said("config.refused", count=2)
        assert process.ask("/readyz") == "ok\n"
        assert world.tags_committed() == ["Deploy nginx v3"]

        write(file, f"git-commit-template: {template}\n")
        process.until(lambda: world.tags_committed() == ["Deploy nginx v3", "one: 1"])
        process.until_said("cycle.finished", changes=1)
        template.write_text("two: {{ changes | length }}\n")
        process.until_said("config.changed", count=2)
        assert 'reconcile_commits_total{source="default"} 1.0' in process.ask("/metrics")
        assert process.stop() == 0

    first, second = process.said("config.refused")
    assert first["problem"].endswith("updated: unknown key; did you mean 'update'?")
    assert second["where"].endswith("missing.j2")
