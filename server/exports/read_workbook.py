#!/usr/bin/env python3
# Reads .xlsx files back with nothing but the standard library, or with openpyxl where it is asked for, and prints what is
# in them as JSON: sheets with their rows as people read them, how each cell is kept, print setup, frozen panes, and the
# digest of the rows. It knows nothing of the program that wrote them.
import csv, datetime, hashlib, io, json, re, sys, zipfile
import xml.etree.ElementTree as ET

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
HEADER = 5  # row of the columns' headers


def shown(value, fmt):
    """A number as the format shows it."""
    if fmt == "yyyy-mm-dd":
        return (datetime.date(1899, 12, 30) + datetime.timedelta(days=int(float(value)))).isoformat()
    if fmt.endswith("%"):
        return "%.*f%%" % (len(fmt.split(".")[1]) - 1 if "." in fmt else 0, float(value) * 100)
    return "%.*f" % (len(fmt.split(".")[1]) if "." in fmt else 0, float(value))


def column(ref):
    n = 0
    for c in re.match("[A-Z]+", ref).group():
        n = n * 26 + ord(c) - 64
    return n - 1


def by_standard_library(path):
    book = zipfile.ZipFile(path)
    styles = ET.fromstring(book.read("xl/styles.xml"))
    custom = {f.get("numFmtId"): f.get("formatCode") for f in styles.iter(MAIN + "numFmt")}
    builtin = {"0": "General", "1": "0", "2": "0.00", "9": "0%", "10": "0.00%", "49": "@"}
    formats = [custom.get(x.get("numFmtId"), builtin.get(x.get("numFmtId"), "?")) for x in styles.find(MAIN + "cellXfs")]
    workbook = ET.fromstring(book.read("xl/workbook.xml"))
    shared = []
    if "xl/sharedStrings.xml" in book.namelist():
        shared = ["".join(t.text or "" for t in s.iter(MAIN + "t")) for s in ET.fromstring(book.read("xl/sharedStrings.xml"))]
    names = [s.get("name") for s in workbook.iter(MAIN + "sheet")]
    printed = {d.get("name") + ":" + d.get("localSheetId", ""): d.text for d in workbook.iter(MAIN + "definedName")}
    out = []
    for i, name in enumerate(names):
        root = ET.fromstring(book.read("xl/worksheets/sheet%d.xml" % (i + 1)))
        rows, kinds = [], []
        for r in root.iter(MAIN + "row"):
            row, kept = [], []
            for c in r:
                at = column(c.get("r"))
                row += [""] * (at + 1 - len(row))
                kept += [""] * (at + 1 - len(kept))
                v, typ = c.find(MAIN + "v"), c.get("t", "n")
                if c.find(MAIN + "f") is not None:
                    raise SystemExit("a formula in %s of %s" % (c.get("r"), name))
                if typ == "inlineStr":
                    row[at] = "".join(t.text or "" for t in c.iter(MAIN + "t"))
                elif typ == "s":
                    row[at] = shared[int(v.text)]
                elif v is not None:
                    row[at] = v.text if typ == "str" else shown(v.text, formats[int(c.get("s", "0"))])
                kept[at] = "text" if typ in ("inlineStr", "s", "str") else ("number" if v is not None else "")
            rows.append(row)
            kinds.append(kept)
        pane, setup = root.find(".//" + MAIN + "pane"), root.find(MAIN + "pageSetup")
        out.append({"name": name, "rows": rows, "kinds": kinds, "frozen": [pane.get("xSplit"), pane.get("ySplit")],
                    "page": [setup.get("paperSize"), setup.get("orientation")], "titles": printed.get("_xlnm.Print_Titles:%d" % i, "")})
    core = ET.fromstring(book.read("docProps/core.xml"))
    return out, "".join(core.itertext())


def by_openpyxl(path):
    import openpyxl
    book = openpyxl.load_workbook(path)
    out = []
    for ws in book:
        rows, kinds = [], []
        for r in ws.iter_rows():
            rows.append(["" if c.value is None else c.value if isinstance(c.value, str) else
                         c.value.date().isoformat() if c.is_date else shown(c.value, c.number_format) for c in r])
            kinds.append(["" if c.value is None else "text" if isinstance(c.value, str) else "number" for c in r])
        out.append({"name": ws.title, "rows": rows, "kinds": kinds, "frozen": [], "page": [str(ws.page_setup.paperSize), ws.page_setup.orientation], "titles": ""})
    return out, str(book.properties.description)


def digest(sheet):
    width = len(sheet["rows"][HEADER - 1])
    text = io.StringIO()
    w = csv.writer(text, lineterminator="\r\n")
    for row in sheet["rows"][HEADER - 1:]:
        w.writerow(list(row[:width]) + [""] * (width - len(row)))
    return hashlib.sha256(text.getvalue().encode("utf-8")).hexdigest()


read = by_openpyxl if sys.argv[1] == "openpyxl" else by_standard_library
for path in sys.argv[2:]:
    sheets, properties = read(path)
    for s in sheets:
        s["digest"] = digest(s)
    print(json.dumps({"sheets": sheets, "properties": properties}, ensure_ascii=False))
