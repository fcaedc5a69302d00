"""Is schema/ark-video.openapi.json valid OpenAPI, by a validator that is not ours? Usage: openapi.py [FILE]"""

import json
import pathlib
import sys

from openapi_spec_validator import OpenAPIV31SpecValidator

DEFAULT = pathlib.Path(__file__).parents[2] / "schema" / "ark-video.openapi.json"


def main():
    path = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT
    document = json.loads(path.read_text(encoding="utf-8"))
    faults = list(OpenAPIV31SpecValidator(document).iter_errors())
    for fault in faults:
        place = "/".join(str(part) for part in fault.absolute_path)
        print(f"at /{place}: {fault.message[:300]}")
    operations = sum(len(methods) for methods in document["paths"].values())
    schemas = len(document["components"]["schemas"])
    print(f"{path.name}: {operations} operations, {schemas} schemas, {len(faults)} fault(s)")
    # A document without operations would be valid, too.
    sys.exit(1 if faults or operations < 5 or schemas < 20 else 0)


if __name__ == "__main__":
    main()
