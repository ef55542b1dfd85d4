import pytest

from reconciler.core.images.platform import Platform
from reconciler.errors import PolicySyntaxError


@pytest.mark.parametrize("text", ["linux/amd64", "linux/arm/v7", "windows/amd64", "linux/mips64le"])
def test_a_platform_prints_what_was_parsed(text: str) -> None:
    assert str(Platform.parse(text)) == text


@pytest.mark.parametrize("text", ["", "linux", "linux/", "Linux/amd64", "linux/arm/7", "a/b/v1/c"])
def test_what_is_no_platform_is_refused(text: str) -> None:
    with pytest.raises(PolicySyntaxError, match="is no platform; write 'linux/amd64'"):
        Platform.parse(text)


@pytest.mark.parametrize(
    ("wanted", "image", "is_served"),
    [
        pytest.param("linux/amd64", "linux/amd64", True, id="same"),
        pytest.param("linux/amd64", "linux/arm64", False, id="another processor"),
        pytest.param("linux/amd64", "windows/amd64", False, id="another system"),
        pytest.param("linux/arm64", "linux/arm64/v8", True, id="any variant"),
        pytest.param("linux/arm64/v8", "linux/arm64", True, id="a variant that is not named"),
        pytest.param("linux/arm/v7", "linux/arm/v6", False, id="another variant"),
    ],
)
def test_a_platform_is_served_by_an_image(wanted: str, image: str, *, is_served: bool) -> None:
    assert Platform.parse(wanted).is_served_by(Platform.parse(image)) is is_served
