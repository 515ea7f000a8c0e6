import pytest

from examwise.core.errors import InputError, SchemaError
from examwise.core.pictures import Picture, read_pictures, write_pictures
from examwise.core.schemas.pictures import PICTURES, PNG_SIGNATURE
from examwise.core.storage import Storage

PNG = PNG_SIGNATURE + b"rest"


def test_pictures_come_back_in_order(tmp_path):
    storage = Storage(tmp_path)
    pictures = [Picture("z", PNG, "Last letter."), Picture("a.b-c_1", PNG)]
    write_pictures(storage, pictures, run_id="weak-1")
    run_id, found = read_pictures(storage)
    assert (run_id, list(found)) == ("weak-1", pictures)
    assert storage.list() == ["pictures.json", "pictures/a.b-c_1.png", "pictures/z.png"]


def test_a_directory_without_a_list_offers_none(tmp_path):
    run_id, found = read_pictures(Storage(tmp_path))
    assert (run_id, list(found)) == (None, [])


@pytest.mark.parametrize("name", ["../a", "a/b", "", ".hidden", "a" * 101])
def test_names_that_are_paths_are_refused(tmp_path, name):
    storage = Storage(tmp_path)
    with pytest.raises(SchemaError, match="names of pictures"):
        write_pictures(storage, [Picture(name, PNG)])
    assert storage.list() == []


def test_other_files_and_repeated_names_are_refused(tmp_path):
    with pytest.raises(SchemaError, match="a PNG file"):
        write_pictures(Storage(tmp_path), [Picture("a", b"GIF89a")])
    with pytest.raises(SchemaError, match="one name twice"):
        write_pictures(Storage(tmp_path), [Picture("a", PNG), Picture("a", PNG)])


@pytest.mark.parametrize(
    "text", ["[]", "{", '{"run_id": null, "pictures": [{"name": "a"}]}', '{"pictures": []}']
)
def test_broken_lists_are_refused(tmp_path, text):
    storage = Storage(tmp_path)
    storage.write(PICTURES, text.encode())
    with pytest.raises(SchemaError, match="JSON with"):
        read_pictures(storage)


def test_a_listed_picture_must_be_there_and_be_one(tmp_path):
    storage = Storage(tmp_path)
    write_pictures(storage, [Picture("a", PNG)])
    storage.write("pictures/a.png", b"other")
    with pytest.raises(SchemaError, match="a PNG file"):
        list(read_pictures(storage)[1])
    storage.delete("pictures/a.png")
    with pytest.raises(InputError, match="as listed"):
        list(read_pictures(storage)[1])
    storage.write(PICTURES, b'{"run_id": null, "pictures": [{"name": "../a", "caption": ""}]}')
    with pytest.raises(SchemaError, match="names of pictures"):
        read_pictures(storage)
