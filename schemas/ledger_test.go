package schemas

import "testing"

func ledgerRows() []LedgerRow {
	return []LedgerRow{
		{Number: 12, Topic: "activity", Partition: 3, From: 100, To: 220, CatalogVersion: 2, Group: "badgestream"},
		{Number: 1<<63 - 1, Topic: "a.b", Partition: 1<<31 - 1, From: 7, FromStep: 1, FromOrdinal: 1000, To: 7, ToStep: 2, ToOrdinal: 2000, Due: 1500, CatalogVersion: 1, Group: "g\"é"},
		{Number: 13, Topic: "activity", From: 1, To: 2, CatalogVersion: 1, Group: "g", Noted: true},
	}
}

func TestLedgerRow(t *testing.T) {
	rows := ledgerRows()
	const want = `{"number":12,"topic":"activity","partition":3,"from":100,"from_step":0,"from_ordinal":0,"to":220,"to_step":0,"to_ordinal":0,"due":0,"catalog_version":2,"group":"badgestream"}`
	if got := string(rows[0].Append(nil)); got != want {
		t.Errorf("written %s; want %s", got, want)
	}
	for _, row := range rows {
		if got, err := ParseLedgerRow(row.Append(nil)); err != nil || got != row {
			t.Errorf("read %+v, %v; want %+v", got, err, row)
		}
	}
	for _, bad := range []string{"", "null", "{}", want[1:], want + want,
		`{"number":0,"topic":"activity","group":"g"}`, `{"number":1,"topic":"","group":"g"}`, `{"number":1,"topic":"t","group":""}`,
		`{"number":1,"topic":"t","group":"g","from":5,"to":4}`, `{"number":1,"topic":"t","group":"g","partition":2147483648}`} {
		if got, err := ParseLedgerRow([]byte(bad)); err == nil {
			t.Errorf("%s is read as %+v", bad, got)
		}
	}
}
