// What the primitives of ECP5 do, for simulators.
module LUT4 #(parameter [15:0] INIT = 0) (input A, B, C, D, output Z);
  assign Z = INIT[{D, C, B, A}];
endmodule

module CCU2C #(
    parameter [15:0] INIT0 = 0, INIT1 = 0,
    parameter INJECT1_0 = "YES", INJECT1_1 = "YES"
) (input CIN, A0, B0, C0, D0, A1, B1, C1, D1, output S0, S1, COUT);
  wire on0 = INIT0[{D0, C0, B0, A0}], on1 = INIT1[{D1, C1, B1, A1}];
  wire below = on0 ? CIN : INJECT1_0 == "NO" & INIT0[{B0, A0}];
  assign S0 = on0 ^ (INJECT1_0 == "NO" & CIN);
  assign S1 = on1 ^ (INJECT1_1 == "NO" & below);
  assign COUT = on1 ? below : INJECT1_1 == "NO" & INIT1[{B1, A1}];
endmodule
