# gnuplot objective.gp
set terminal svg size 1000,480 dynamic background rgb 'white'
set output 'objective.svg'
set datafile separator ','
set logscale xy
set grid
set key top left
set ylabel 'seconds'
of(name, i) = stringcolumn(1) eq name ? column(i) : NaN
set multiplot layout 1,2
set xlabel 'rows'
set title 'value and gradient, l_4, 128 features'
plot 'objective.csv' using 2:(of('rows', 9)) with linespoints dashtype 2 title 'one read of X', \
     '' using 2:(of('rows', 10)) with linespoints lw 2 title 'one thread', \
     '' using 2:(of('rows', 11)) with linespoints title 'two threads'
set xlabel 'features'
set title '2565 rows'
plot 'objective.csv' using 3:(of('features', 9)) with linespoints dashtype 2 title 'one read of X', \
     '' using 3:(of('features', 10)) with linespoints lw 2 title 'one thread', \
     '' using 3:(of('features', 11)) with linespoints title 'two threads'
unset multiplot
