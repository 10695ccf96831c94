// Self-checking testbench of tiny: 2 vectors. Run it in the folder of its .hex files.
// It prints the first 10 mismatches, then "PASS <n> vectors" or "FAIL <k> of <n> vectors".
//   $ iverilog -g2005 -s tiny_tb -o tiny.vvp tiny.v tiny_tb.v && vvp -n tiny.vvp
//   $ verilator --binary --timing -fno-const-bit-op-tree -MAKEFLAGS "OPT_FAST=-O0 OPT_SLOW=-O0" \
//       --top-module tiny_tb tiny.v tiny_tb.v && obj_dir/Vtiny_tb
// Without -fno-const-bit-op-tree Verilator 5.006 answers wrongly on large networks (its issues 4059,
// 5186). Without the -O0 it compiles for minutes, to save nothing on a few hundred vectors.

/* verilator lint_off DECLFILENAME */
/* verilator lint_off STMTDLY */
`default_nettype none

module tiny_tb;
  reg [14:0] inputs [0:1];
  reg [14:0] given;
  reg [13:0] x;
  // Each word is {1, class_index, counts}; the one shows that it was read.
  reg [5:0] expected [0:1];
  wire [3:0] counts;
  wire [0:0] class_index;
  wire [4:0] found = {class_index, counts};
  reg [5:0] wanted;
  integer i;
  integer failures;

  tiny dut (.x(x), .counts(counts), .class_index(class_index));

  task check(input integer vector, input read);
    begin
      if (!read || wanted[5] !== 1'b1) begin
        failures = failures + 1;
        if (failures <= 10)
          $display("vector %0d: not in the .hex files; run this in their folder", vector);
      end else if (found !== wanted[4:0]) begin
        failures = failures + 1;
        if (failures <= 10)
          $display("vector %0d: expected counts %h class_index %h, found counts %h class_index %h", vector,
                   wanted[3:0], wanted[4:4], counts, class_index);
      end
    end
  endtask

  initial begin
    $readmemh("tiny_inputs.hex", inputs);
    $readmemh("tiny_expected.hex", expected);
    failures = 0;
    for (i = 0; i < 2; i = i + 1) begin
      given = inputs[i];
      x = given[13:0];
      wanted = expected[i];
      #1;
      check(i, given[14] === 1'b1);
    end
    if (failures == 0) $display("PASS 2 vectors");
    else $display("FAIL %0d of 2 vectors", failures);
    $finish;
  end
endmodule

`default_nettype wire
