// Module tiny: a combinational logic network, emitted by Gatewright.
//
// x: 2 unsigned features of 7 bits; feature f is x[7*f +: 7].
//   A sample has shape [2] and is flattened in row-major order.
// counts: 2 unsigned counts of 2 bits; class g is counts[2*g +: 2].
//   Its score is (count + beta) / tau with tau = 2.0, beta = 0.5.
// class_index: the class of the largest count, the lowest of equal ones. A larger count is
//   a larger score whatever tau > 0 and beta are, so this is the class of the scores too.

/* verilator lint_off DECLFILENAME */
`default_nettype none

module tiny (
    input  wire [13:0] x,
    output wire [3:0] counts,
    output wire [0:0] class_index
);
  wire [3:0] bits_in;
  tiny_encoder u_encoder (.x(x), .bits(bits_in));
  tiny_logic u_logic (.in(bits_in), .out(counts));
  tiny_argmax u_argmax (.in(counts), .index(class_index));
endmodule

// Features to bits: a bit is true where its feature is above its threshold.
module tiny_encoder (
    input  wire [13:0] x,
    output wire [3:0] bits
);
  wire x0_gt_9 = x[0 +: 7] > 7'd9;
  wire x0_gt_99 = x[0 +: 7] > 7'd99;
  wire x1_gt_9 = x[7 +: 7] > 7'd9;
  wire x1_gt_49 = x[7 +: 7] > 7'd49;
  assign bits = {x1_gt_49, x1_gt_9, x0_gt_99, x0_gt_9};
endmodule

// Bits to bits: one net a gate.
module tiny_logic (
    input  wire [3:0] in,
    output wire [3:0] out
);
  wire n2 = in[0];
  wire n3 = in[1];
  wire n4 = in[2];
  wire n5 = in[3];
  // 2 places of one body
  wire n6, n7;
  tiny_tile0 tile_n6 (.in({n4, n3, n2}), .out({n7, n6}));
  wire n8, n9;
  tiny_tile0 tile_n8 (.in({n5, n4, n3}), .out({n9, n8}));
  // 1 table of 4 inputs
  wire n10 = n5 ? (n2 ^ (n4 & (n2 ^ n3))) : (~(n2 ^ (n4 & (n2 ^ n3))));
  wire n11;
  tiny_argmax2x2 argmax_n11 (.in({n9, n8, n7, n6}), .index({n11}));
  wire n12, n13;
  tiny_popcount3 popcount_n12 (.in({n10, n7, n6}), .count({n13, n12}));
  wire n14, n15;
  tiny_popcount3 popcount_n14 (.in({1'b0, n5, n11}), .count({n15, n14}));
  assign out = {n15, n14, n13, n12};
endmodule

// The body of a tile: one place of a convolution.
module tiny_tile0 (
    input  wire [2:0] in,
    output wire [1:0] out
);
  wire n2 = in[0];
  wire n3 = in[1];
  wire n4 = in[2];
  // 2 tables of 3 inputs
  wire n5 = n2 ^ (n3 ^ n4);
  wire n6 = n2 ^ ((n2 ^ n3) & (n2 ^ n4));
  assign out = {n6, n5};
endmodule

// The index of the largest of 2 numbers of 2 bits; of equal ones the lowest.
module tiny_argmax2x2 (
    input  wire [3:0] in,
    output wire [0:0] index
);
  // round 1
  wire r1_0 = in[2 +: 2] > in[0 +: 2];
  wire [1:0] v1_0 = r1_0 ? in[2 +: 2] : in[0 +: 2];
  wire [0:0] i1_0 = r1_0;
  assign index = i1_0;
`ifdef VERILATOR
  wire _unused_ok = &{1'b0, v1_0};
`endif
endmodule

// How many of 3 inputs are true.
module tiny_popcount3 (
    input  wire [2:0] in,
    output wire [1:0] count
);
  // 2 sums of 2 bits
  wire [1:0] s1_0 = {1'b0, in[0]} + {1'b0, in[1]};
  wire [1:0] s1_1 = {1'b0, in[2]};
  // 1 sum of 2 bits
  wire [1:0] s2_0 = s1_0 + s1_1;
  assign count = s2_0;
endmodule

// The index of the largest of 2 numbers of 2 bits; of equal ones the lowest.
module tiny_argmax (
    input  wire [3:0] in,
    output wire [0:0] index
);
  // round 1
  wire r1_0 = in[2 +: 2] > in[0 +: 2];
  wire [1:0] v1_0 = r1_0 ? in[2 +: 2] : in[0 +: 2];
  wire [0:0] i1_0 = r1_0;
  assign index = i1_0;
`ifdef VERILATOR
  wire _unused_ok = &{1'b0, v1_0};
`endif
endmodule

`default_nettype wire
