// Module tiny: a combinational logic network, emitted by Gatewright.
//
// x: 2 unsigned features of 7 bits; feature f is x[7*f +: 7].
//   A sample has shape [2] and is flattened in row-major order.
// counts: 2 unsigned counts of 2 bits; class g is counts[2*g +: 2].
//   Its score is (count + beta) / tau with tau = 2.0, beta = 0.5.
// class_index: the class of the largest count, the lowest of equal ones. A larger
//   count is a larger score whatever tau > 0 and beta are, so this is the class of
//   the scores too.

/* verilator lint_off DECLFILENAME */
`default_nettype none

module tiny (
    input  wire [13:0] x,
    output wire [3:0] counts,
    output wire [0:0] class_index
);
  wire [3:0] bits_in;
  tiny_encoder u_encoder (.x(x), .bits(bits_in));
  tiny_logic u_logic (.in(bits_in), .out({class_index, counts}));
endmodule

// Features to bits: a bit is true where its feature is above its threshold.
module tiny_encoder (
    input  wire [13:0] x,
    output wire [3:0] bits
);
  wire x0_gt_9 = x[6] | (x[5] | (x[4] | (x[3] & (x[2] | x[1]))));
  wire x0_gt_99 = x[6] & (x[5] & (x[4] | (x[3] | x[2])));
  wire x1_gt_9 = x[13] | (x[12] | (x[11] | (x[10] & (x[9] | x[8]))));
  wire x1_gt_49 = x[13] | (x[12] & (x[11] & (x[10] | (x[9] | x[8]))));
  assign bits = {x1_gt_49, x1_gt_9, x0_gt_99, x0_gt_9};
`ifdef VERILATOR
  wire _unused_ok = &{1'b0, x[7:7], x[0:0]};
`endif
endmodule

// Bits to bits: one net a gate or table.
module tiny_logic (
    input  wire [3:0] in,
    output wire [4:0] out
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
  localparam [15:0] T4_ca35 = 16'hca35;
  wire n10 = T4_ca35[{n5, n4, n3, n2}];
  wire n11;
  tiny_argmax2x2 argmax_n11 (.in({n9, n8, n7, n6}), .out({n11}));
  wire n12, n13;
  tiny_popcount3 popcount_n12 (.in({n10, n7, n6}), .out({n13, n12}));
  wire n14, n15;
  tiny_popcount2 popcount_n14 (.in({n11, n5}), .out({n15, n14}));
  wire n16;
  tiny_argmax2x2 argmax_n16 (.in({n15, n14, n13, n12}), .out({n16}));
  assign out = {n16, n15, n14, n13, n12};
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
    output wire [0:0] out
);
  wire n2 = in[0];
  wire n3 = in[1];
  wire n4 = in[2];
  wire n5 = in[3];
  // 1 table of 4 inputs
  localparam [15:0] T4_4f04 = 16'h4f04;
  wire n6 = T4_4f04[{n5, n3, n4, n2}];
  assign out = {n6};
endmodule

// The sum of 3 inputs, least significant bit first: 3 of weight 1.
module tiny_popcount3 (
    input  wire [2:0] in,
    output wire [1:0] out
);
  wire n2 = in[0];
  wire n3 = in[1];
  wire n4 = in[2];
  // 1 table of 3 inputs
  wire n5 = n2 ^ (n3 ^ n4);
  // 1 table of 3 inputs
  wire n6 = n2 ^ ((n2 ^ n3) & (n2 ^ n4));
  assign out = {n6, n5};
endmodule

// The sum of 2 inputs, least significant bit first: 2 of weight 1.
module tiny_popcount2 (
    input  wire [1:0] in,
    output wire [1:0] out
);
  wire n2 = in[0];
  wire n3 = in[1];
  // 1 table of 2 inputs
  wire n4 = n2 ^ n3;
  // 1 table of 2 inputs
  wire n5 = n2 & n3;
  assign out = {n5, n4};
endmodule

`default_nettype wire
