# SPDX-License-Identifier: GPL-2.0-only OR MIT
# Draws summary.svg, the picture of the README: run `gnuplot summary.gnuplot` in this folder.
# The figures are those of benchmarks-xen.md, table "default parameters", column
# "MiB/s of busy CPU"; update both together.
set terminal svg size 760,320 font 'sans,12' background 'white'
set output 'summary.svg'
$figures << EOD
"dom0" 708.1 196.9 3141 1140
"PV"   773.2 188.3 3096 723
"PVH"  560.4 119.2 6934 312
EOD
set multiplot layout 1,2 title 'Memory moved per second of busy CPU, Xen 4.17 under emulation'
set style data histograms
set style histogram clustered gap 1
set style fill solid
set boxwidth 0.9
set ylabel 'MiB/s'
set xrange [-0.6:2.6]
set key top left
set xtics nomirror
set title 'given to the host (inflate)'
set yrange [0:1100]
plot $figures using 2:xtic(1) title 'Aerostat' linecolor '#2060a0', \
     '' using 3 title 'built-in balloon' linecolor '#b0b0b0'
set title 'taken back (deflate)'
set yrange [0:9500]
plot $figures using 4:xtic(1) title 'Aerostat' linecolor '#2060a0', \
     '' using 5 title 'built-in balloon' linecolor '#b0b0b0'
unset multiplot
