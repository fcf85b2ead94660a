package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
)

// table holds the figures: by row, by system, one a round.
type table struct {
	rows    []row
	columns []string
	samples map[string]map[string][]float64
	busy    bool
}

func newTable(o *options) *table {
	t := &table{samples: map[string]map[string][]float64{}, busy: o.busy}
	t.rows = append(append(append(t.rows, containerRows...), callRows...), programRows()...)
	return t
}

// add takes a figure.
func (t *table) add(id, system string, v float64) {
	if t.samples[id] == nil {
		t.samples[id] = map[string][]float64{}
	}
	if !slices.Contains(t.columns, system) {
		t.columns = append(t.columns, system)
	}
	t.samples[id][system] = append(t.samples[id][system], v)
}

func (t *table) addAll(system string, values map[string]float64) {
	for id, v := range values {
		t.add(id, system, v)
	}
}

// value is the median of a cell's figures.
func (t *table) value(id, system string) (float64, bool) {
	v := slices.Sorted(slices.Values(t.samples[id][system]))
	if len(v) == 0 {
		return 0, false
	}
	return (v[len(v)/2] + v[(len(v)-1)/2]) / 2, true
}

// cell is a figure with what it is to be judged by.
type cell struct {
	System  string   `json:"system"`
	Value   float64  `json:"value"` // nanoseconds, bytes or percent
	Times   *float64 `json:"times_native,omitempty"`
	Target  string   `json:"target,omitempty"`
	Verdict string   `json:"verdict,omitempty"` // ok or MISS
}

// cell judges a figure; false if there is none.
func (t *table) cell(r row, system string) (cell, bool) {
	v, ok := t.value(r.id, system)
	if !ok {
		return cell{}, false
	}
	c := cell{System: system, Value: v}
	if base, ok := t.value(r.id, native); ok && base > 0 {
		times := v / base
		c.Times = &times
	}
	if system == native || system == runc || strings.HasPrefix(system, "peer/") {
		return c, true
	}
	limit, absolute := r.ratio, max(r.absolute, r.most[system])
	switch {
	case system == "ptrace" && r.ptrace != 0:
		limit = r.ptrace
	case system == "systrap" && r.systrap != 0:
		limit = r.systrap
	}
	switch {
	case t.busy && r.calls != 0 && system != "ptrace":
		most := float64(r.calls) * busyCall
		c.Target, c.Verdict = "≤ "+format(most, r.unit), verdict(v <= most)
	case absolute != 0:
		c.Target, c.Verdict = "≤ "+format(absolute, r.unit), verdict(v <= absolute)
	case r.runc != 0 && system == "systrap":
		if base, ok := t.value(r.id, runc); ok {
			c.Target, c.Verdict = fmt.Sprintf("≤ %.3g× runc", r.runc), verdict(v <= r.runc*base)
		}
	case limit != 0 && c.Times != nil:
		c.Target, c.Verdict = fmt.Sprintf("≤ %.3g×", limit), verdict(*c.Times <= limit)
	}
	return c, true
}

func verdict(ok bool) string {
	if ok {
		return "ok"
	}
	return "MISS"
}

// missed tells whether a target was.
func (t *table) missed() bool {
	for _, r := range t.rows {
		for _, system := range t.columns {
			if c, ok := t.cell(r, system); ok && c.Verdict == "MISS" {
				return true
			}
		}
	}
	return false
}

// write prints a line for each row: the host's figure, and for each system its figure, the
// multiple of the host's, the target and the verdict.
func (t *table) write(w io.Writer) error {
	systems := t.systems()
	lines := [][]string{{"", native}}
	for _, s := range systems {
		lines[0] = append(lines[0], s, "", "target", "")
	}
	for _, r := range t.rows {
		line := []string{r.name, ""}
		if v, ok := t.value(r.id, native); ok {
			line[1] = format(v, r.unit)
		}
		some := line[1] != ""
		for _, s := range systems {
			c, ok := t.cell(r, s)
			if !ok {
				line = append(line, "", "", "", "")
				continue
			}
			some = true
			times := ""
			if c.Times != nil {
				times = fmt.Sprintf("%.3g×", *c.Times)
			}
			line = append(line, format(c.Value, r.unit), times, c.Target, c.Verdict)
		}
		if some {
			lines = append(lines, line)
		}
	}
	_, err := io.WriteString(w, align(lines))
	return err
}

// systems are the columns but the host's, in the order of the first figures.
func (t *table) systems() []string {
	return slices.DeleteFunc(slices.Clone(t.columns), func(s string) bool { return s == native })
}

// align sets columns; the first to the left, the others to the right. Empty columns go.
func align(lines [][]string) string {
	width := make([]int, len(lines[0]))
	for _, line := range lines[1:] {
		for i, s := range line {
			width[i] = max(width[i], len([]rune(s)))
		}
	}
	var out strings.Builder
	for _, line := range lines {
		text := ""
		for i, s := range line {
			switch {
			case width[i] == 0:
				continue
			case i == 0:
				text += fmt.Sprintf("%-*s", width[i], s)
			default:
				text += fmt.Sprintf("  %*s", max(width[i], len([]rune(lines[0][i]))), s)
			}
		}
		out.WriteString(strings.TrimRight(text, " ") + "\n")
	}
	return out.String()
}

// format prints a figure with its unit.
func format(v float64, u unit) string {
	switch {
	case u == percent:
		return fmt.Sprintf("%.2f %%", v)
	case u == megabytes:
		return fmt.Sprintf("%.1f MB", v/1e6)
	case u == milliseconds:
		return fmt.Sprintf("%.1f ms", v/1e6)
	case v >= 20e3:
		return fmt.Sprintf("%.1f µs", v/1e3)
	}
	return fmt.Sprintf("%.0f ns", v)
}

// writeJSON prints all cells by row.
func (t *table) writeJSON(w io.Writer) error {
	type line struct {
		Row   string `json:"row"`
		Cells []cell `json:"cells"`
	}
	var lines []line
	for _, r := range t.rows {
		l := line{Row: r.name}
		for _, s := range t.columns {
			if c, ok := t.cell(r, s); ok {
				l.Cells = append(l.Cells, c)
			}
		}
		if l.Cells != nil {
			lines = append(lines, l)
		}
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(lines)
}
