"""A tile in Verilog, and the C++ that drives it.

A row that is on adds its cells to all columns in every clock: what the tile does, and what the
kernel `archsim.kernels.tile` simulates. Cells and charges are as wide as they have to be.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from archsim.bench.peers.tile import TileRun

_MODULE = """\
// A tile of {rows} x {columns} differential cells with a ramp converter, as archsim models it.
// One conversion after the other, {cycles} clocks each; the inputs are held for a whole conversion.
/* verilator lint_off WIDTH */
/* verilator lint_off BLKSEQ */
module tile (
  input  logic       clk,
  input  logic [7:0] magnitude [{rows}],
  input  logic       negative  [{rows}],
  output logic [7:0] code      [{columns}]
);
  localparam int RESET = 0, INTEGRATE = 1, RAMP = 2, READOUT = 3;

  logic signed [{cell_bits}-1:0] cell_of [{rows}][{columns}];
  int threshold      [{ramps}*{steps}];
  int step_code      [{ramps}*{steps}];
  int ramp_of_column [{columns}];
  initial begin
    $readmemh("cell.hex", cell_of);
    $readmemh("threshold.hex", threshold);
    $readmemh("step_code.hex", step_code);
    $readmemh("ramp.hex", ramp_of_column);
  end

  int   phase = RESET;
  int   count = 0;
  logic signed [{charge_bits}-1:0] charge [{columns}];
  logic latched [{columns}];
  int   length;

  always_comb
    case (phase)
      RESET:     length = {reset};
      INTEGRATE: length = {integrate};
      RAMP:      length = {steps};
      default:   length = {readout};
    endcase

  always @(posedge clk) begin
    case (phase)
      RESET:
        for (int column = 0; column < {columns}; column++) begin
          charge[column] = 0;
          latched[column] = 0;
        end
      INTEGRATE:
        for (int row = 0; row < {rows}; row++)
          if (count < magnitude[row]) begin
            if (negative[row])
              for (int column = 0; column < {columns}; column++)
                charge[column] = charge[column] - cell_of[row][column];
            else
              for (int column = 0; column < {columns}; column++)
                charge[column] = charge[column] + cell_of[row][column];
          end
      RAMP:
        for (int column = 0; column < {columns}; column++)
          if (!latched[column]) begin
            code[column] = step_code[ramp_of_column[column]*{steps} + count];
            latched[column] = threshold[ramp_of_column[column]*{steps} + count] > charge[column];
          end
      default: ;
    endcase
    if (count + 1 < length)
      count <= count + 1;
    else begin
      count <= 0;
      phase <= phase == READOUT ? RESET : phase + 1;
    end
  end
endmodule
"""

_SIZES = """\
constexpr int rows = {rows}, columns = {columns}, cycles = {cycles};
"""

HARNESS = """\
// Runs all conversions of a file of signed pulse widths until so many seconds have gone; writes the
// codes, and prints the time of one conversion.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <vector>
#include "Vtile.h"
#include "verilated.h"
#include "sizes.h"

int main(int, char** argv) {
  std::vector<signed char> drive;
  FILE* in = std::fopen(argv[1], "rb");
  for (int byte; (byte = std::fgetc(in)) != EOF;) drive.push_back(static_cast<signed char>(byte));
  std::fclose(in);
  const long conversions = static_cast<long>(drive.size()) / rows;
  std::vector<unsigned char> code(conversions * columns);
  const double at_least = std::atof(argv[3]);

  VerilatedContext context;
  Vtile tile{&context};
  tile.clk = 0;
  tile.eval();
  long done = 0;
  double gone = 0;
  const auto start = std::chrono::steady_clock::now();
  do {
    for (long conversion = 0; conversion < conversions; ++conversion) {
      const signed char* mine = &drive[conversion * rows];
      for (int row = 0; row < rows; ++row) {
        tile.magnitude[row] = mine[row] < 0 ? -mine[row] : mine[row];
        tile.negative[row] = mine[row] < 0;
      }
      for (int cycle = 0; cycle < cycles; ++cycle) {
        tile.clk = 1;
        tile.eval();
        tile.clk = 0;
        tile.eval();
      }
      for (int column = 0; column < columns; ++column)
        code[conversion * columns + column] = tile.code[column];
    }
    done += conversions;
    gone = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  } while (gone < at_least);
  tile.final();

  FILE* out = std::fopen(argv[2], "wb");
  std::fwrite(code.data(), 1, code.size(), out);
  std::fclose(out);
  std::printf("%.9e\\n", gone / done);
}
"""


def verilog(run: TileRun) -> dict[str, str]:
    """Return the files, by name, that a run's tile is made of; it has to be one tile."""
    (bank,) = run.matrix.banks
    arrays = bank.arrays
    cell_bits, charge_bits = _widths(run)
    sizes = {
        "rows": bank.rows,
        "columns": bank.columns,
        "ramps": arrays.readout.threshold.shape[1],
        "steps": arrays.convert_cycles,
        "reset": arrays.reset_cycles,
        "integrate": arrays.integrate_cycles,
        "readout": arrays.readout_cycles,
        "cycles": arrays.cycles,
        "cell_bits": cell_bits,
        "charge_bits": charge_bits,
    }
    return {
        "tile.sv": _MODULE.format(**sizes),
        "sizes.h": _SIZES.format(**sizes),
        "cell.hex": _hex(arrays.difference, cell_bits),
        "threshold.hex": _hex(arrays.readout.threshold[0]),
        "step_code.hex": _hex(arrays.readout.step_code[0]),
        "ramp.hex": _hex(arrays.readout.ramp_of_column[0]),
    }


def _widths(run: TileRun) -> tuple[int, int]:
    """Return the bits of a cell and of a charge, signs included, that hold whatever can come."""
    size = np.abs(run.difference)
    largest = int(size.sum(axis=0).max()) * run.steps
    return int(size.max()).bit_length() + 1, largest.bit_length() + 1


def _hex(values: NDArray[np.integer], bits: int = 32) -> str:
    """Write numbers in two's complement, a line each."""
    return "".join(f"{value & ((1 << bits) - 1):x}\n" for value in values.ravel().tolist())
