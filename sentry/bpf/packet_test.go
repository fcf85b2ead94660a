package bpf

import (
	"encoding/binary"
	"testing"
)

func assemble(p ...Insn) (b []byte) {
	for _, in := range p {
		b = binary.LittleEndian.AppendUint16(b, in.Code)
		b = append(b, in.Jt, in.Jf)
		b = binary.LittleEndian.AppendUint32(b, in.K)
	}
	return b
}

// TestPacket runs what tcpdump makes of "udp port 53".
func TestPacket(t *testing.T) {
	p, errno := ParsePacket(assemble(Insn{0x28, 0, 0, 12}, Insn{0x15, 0, 8, 0x800}, Insn{0x30, 0, 0, 23}, Insn{0x15, 0, 6, 17}, Insn{0x28, 0, 0, 20},
		Insn{0x45, 4, 0, 0x1fff}, Insn{0xb1, 0, 0, 14}, Insn{0x48, 0, 0, 16}, Insn{0x15, 0, 1, 53}, Insn{0x6, 0, 0, 262144}, Insn{0x6, 0, 0, 0}))
	if errno != 0 {
		t.Fatal(errno)
	}
	frame := make([]byte, 60)
	frame[12], frame[14], frame[23], frame[37] = 8, 0x45, 17, 53
	if n := p.RunPacket(&Packet{Data: frame}); n != 262144 {
		t.Errorf("to port 53: %d", n)
	}
	frame[37] = 54
	if n := p.RunPacket(&Packet{Data: frame}); n != 0 {
		t.Errorf("to port 54: %d", n)
	}
	if n := p.RunPacket(&Packet{Data: frame[:20]}); n != 0 {
		t.Errorf("cut: %d", n)
	}
	if p, _ := ParsePacket(assemble(Insn{0x20, 0, 0, ancillary + adIfIndex}, Insn{0x16, 0, 0, 0})); p.RunPacket(&Packet{Index: 7}) != 7 {
		t.Error("the interface is not known")
	}
	for name, bad := range map[string][]byte{
		"nothing": nil, "no end": assemble(Insn{0x28, 0, 0, 12}), "a jump too far": assemble(Insn{0x15, 5, 0, 0}, Insn{0x6, 0, 0, 0}),
		"unknown data": assemble(Insn{0x20, 0, 0, ancillary + 99}, Insn{0x6, 0, 0, 0}), "division by zero": assemble(Insn{0x94, 0, 0, 0}, Insn{0x6, 0, 0, 0}),
	} {
		if _, errno := ParsePacket(bad); errno == 0 {
			t.Errorf("%s is taken", name)
		}
	}
}

func FuzzPacket(f *testing.F) {
	f.Add(assemble(Insn{0x28, 0, 0, 12}, Insn{0x6, 0, 0, 1}), []byte("some bytes of a packet"))
	f.Fuzz(func(t *testing.T, program, data []byte) {
		if p, errno := ParsePacket(program); errno == 0 {
			p.RunPacket(&Packet{Data: data, Link: data, Net: data})
		}
	})
}
