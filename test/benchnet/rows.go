package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// row is something that is measured; share is what is wanted of runc's figure: at least, or with lower at most.
type row struct {
	name   string
	unit   string
	share  float64 // 0: only shown
	lower  bool
	figure func(b *bench, s *system) (float64, error)
}

var rows = []row{
	{"iperf3 to the container", "Gbit/s", 0.8, false, iperf(false, "")},
	{"iperf3 from the container", "Gbit/s", 0.9, false, iperf(false, "-R")},
	{"iperf3 on the loopback inside", "Gbit/s", 0.8, false, iperf(true, "")},
	{"redis SET, 50 clients", "k/s", 0.6, false, redis("set", "1")},
	{"redis GET, 50 clients", "k/s", 0.6, false, redis("get", "1")},
	{"redis SET, pipeline 16", "k/s", 0.6, false, redis("set", "16")},
	{"redis GET, pipeline 16", "k/s", 0.6, false, redis("get", "16")},
	{"redis SET on the loopback inside", "k/s", 0, false, redisInside},
	{"nginx, 100 kB, 20 connections", "k/s", 0.7, false, wrk("big")},
	{"nginx, 3 bytes, 20 connections", "k/s", 0.5, false, wrk("small")},
	{"TCP round trip", "µs", 1.5, true, load("rr", 1)},
	{"UDP datagrams that arrive", "k/s", 0.4, false, load("udp", 1e-3)},
	{"connections opened and closed", "k/s", 0.4, false, load("crr", 1e-3)},
}

func (b *bench) limit() time.Duration { return time.Duration(b.seconds*1e9) + 25*time.Second }

// iperf is iperf3 from the host, or inside.
func iperf(within bool, more string) func(*bench, *system) (float64, error) {
	return func(b *bench, s *system) (float64, error) {
		args := append([]string{"iperf3", "-J", "-t", fmt.Sprint(b.seconds), "-c", s.ip}, strings.Fields(more)...)
		var out string
		var err error
		if within {
			args[5] = "127.0.0.1"
			out, err = s.exec(b.limit(), args...)
		} else {
			out, err = command(b.limit(), args...)
		}
		if err != nil {
			return 0, fmt.Errorf("%w: %s", err, out)
		}
		var v struct {
			End struct {
				Received struct {
					Bits float64 `json:"bits_per_second"`
				} `json:"sum_received"`
			} `json:"end"`
		}
		err = json.Unmarshal([]byte(out), &v)
		return v.End.Received.Bits / 1e9, err
	}
}

var perSecond = regexp.MustCompile(`([0-9.]+) requests per second`)

// redis runs redis-benchmark for about as long as is to be measured: a short run tells how many requests that is.
func redis(test, pipeline string) func(*bench, *system) (float64, error) {
	return func(b *bench, s *system) (float64, error) {
		once := func(n float64) (float64, error) {
			return request(command(b.limit(), "redis-benchmark", "-q", "-h", s.ip, "-t", test, "-c", "50", "-P", pipeline, "-n", fmt.Sprint(int(n))))
		}
		v, err := once(5000)
		if err != nil {
			return 0, err
		}
		return once(max(v*1000*b.seconds, 5000))
	}
}

func request(out string, err error) (float64, error) {
	if err != nil {
		return 0, err
	}
	m := perSecond.FindAllStringSubmatch(out, -1)
	if m == nil {
		return 0, fmt.Errorf("no figure in %q", out)
	}
	v, err := strconv.ParseFloat(m[len(m)-1][1], 64)
	return v / 1000, err
}

func redisInside(b *bench, s *system) (float64, error) {
	return request(s.exec(b.limit(), "redis-benchmark", "-q", "-t", "set", "-n", fmt.Sprint(int(b.seconds*10000))))
}

var wrkFigure = regexp.MustCompile(`Requests/sec:\s*([0-9.]+)`)

func wrk(file string) func(*bench, *system) (float64, error) {
	return func(b *bench, s *system) (float64, error) {
		out, err := command(b.limit(), "wrk", "-t1", "-c20", fmt.Sprintf("-d%ds", max(int(b.seconds), 1)), "http://"+s.ip+"/"+file)
		if err != nil {
			return 0, err
		}
		m := wrkFigure.FindStringSubmatch(out)
		if m == nil || strings.Contains(out, "Non-2xx") {
			return 0, fmt.Errorf("wrk said %q", out)
		}
		v, err := strconv.ParseFloat(m[1], 64)
		return v / 1000, err
	}
}

// load is one of the small exchanges.
func load(kind string, scale float64) func(*bench, *system) (float64, error) {
	return func(b *bench, s *system) (float64, error) {
		out, err := command(b.limit(), b.dir+"/share/load", kind, s.ip, fmt.Sprint(b.seconds))
		if err != nil {
			return 0, err
		}
		v, err := strconv.ParseFloat(strings.TrimSpace(out), 64)
		return v * scale, err
	}
}

// table is what was measured.
type table struct {
	lines  [][]string
	missed bool
}

// measure measures every row with the systems in turn.
func (b *bench) measure() (*table, error) {
	t := &table{lines: [][]string{{"", ""}}}
	for _, s := range b.systems {
		t.lines[0] = append(t.lines[0], s.name)
		if b.cpu {
			t.lines[0] = append(t.lines[0], "CPU", "ms for one")
		}
		if s.name != "runc" {
			t.lines[0] = append(t.lines[0], "share")
		}
	}
	t.lines[0] = append(t.lines[0], "wanted", "")
	for _, r := range rows {
		if !b.only.MatchString(r.name) {
			continue
		}
		line := []string{r.name, r.unit}
		wanted, verdict, base := "", "", 0.0
		for _, s := range b.systems {
			fmt.Fprintf(os.Stderr, "benchnet: %s, %s\n", r.name, s.name)
			began, ticks := time.Now(), s.ticks()
			v, err := r.figure(b, s)
			used := float64(s.ticks()-ticks) / 100 / time.Since(began).Seconds()
			if err != nil {
				fmt.Fprintf(os.Stderr, "benchnet: %s, %s: %v\n", r.name, s.name, err)
			}
			line = append(line, fmt.Sprintf("%.2f", v))
			if b.cpu {
				line = append(line, fmt.Sprintf("%.0f %%", used*100), fmt.Sprintf("%.2f", used/v*1000))
			}
			if s.name == "runc" {
				base = v
				continue
			}
			share := v / base
			if base == 0 {
				share = 0
			}
			line = append(line, fmt.Sprintf("%.2f", share))
			if s.judged && r.share > 0 && base > 0 {
				wanted, verdict = r.judge(share)
				t.missed = t.missed || verdict == "MISS"
			}
		}
		t.lines = append(t.lines, append(line, wanted, verdict))
	}
	return t, nil
}

func (r *row) judge(share float64) (wanted, verdict string) {
	wanted, verdict = fmt.Sprintf("≥ %.1f", r.share), "ok"
	if r.lower {
		wanted = fmt.Sprintf("≤ %.1f", r.share)
	}
	if r.lower && share > r.share || !r.lower && share < r.share || share == 0 {
		verdict = "MISS"
	}
	return wanted, verdict
}

// write prints the table.
func (t *table) write(w io.Writer) {
	width := make([]int, len(t.lines[0]))
	for _, line := range t.lines {
		for i, s := range line {
			width[i] = max(width[i], len([]rune(s)))
		}
	}
	for _, line := range t.lines {
		text := ""
		for i, s := range line {
			gap := strings.Repeat(" ", width[i]-len([]rune(s)))
			if i < 2 {
				text += s + gap + "  "
			} else {
				text += gap + s + "  "
			}
		}
		fmt.Fprintln(w, strings.TrimRight(text, " "))
	}
}
