// What the primitives of iCE40 do, for simulators.
module SB_LUT4 #(parameter [15:0] LUT_INIT = 0) (output O, input I0, I1, I2, I3);
  assign O = LUT_INIT[{I3, I2, I1, I0}];
endmodule

module SB_CARRY (output CO, input I0, I1, CI);
  assign CO = (I0 & I1) | (I0 & CI) | (I1 & CI);
endmodule
