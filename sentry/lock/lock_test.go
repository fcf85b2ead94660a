package lock

import (
	"reflect"
	"testing"
)

// TestOrder: each rank is in the list once.
func TestOrder(t *testing.T) {
	seen := map[reflect.Type]bool{}
	for _, r := range Order {
		if typ := reflect.TypeOf(r); seen[typ] {
			t.Errorf("%v is there twice", typ)
		} else {
			seen[typ] = true
		}
	}
}
